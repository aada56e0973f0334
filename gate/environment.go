package gate

import (
	"encoding/json"
	"fmt"
	"os"

	"github.com/caddyserver/caddy/v2/caddyconfig/httpcaddyfile"
	"github.com/gatehouse-dev/caddy-gatehouse/events/places"
	"github.com/gatehouse-dev/caddy-gatehouse/gate/dotenv"
)

// variables are the names that an env_file may set. A .env is written for the
// backend and holds much that is not the gate's business, so nothing else is
// read from it.
var variables = map[string]bool{
	"ELIZA_SERVER_AUTH_TOKEN": true,
	"ELIZA_API_KEY":           true,
	"SERVER_API_KEY":          true,
	"CORS_ORIGIN":             true,
	"API_CORS_ORIGIN":         true,
	"ELIZA_UI_ENABLE":         true,
	"NODE_ENV":                true,
	"SERVER_HOST":             true,
	"SERVER_PORT":             true,
	"EXPRESS_MAX_PAYLOAD":     true,
	"API_RATE_LIMIT_WINDOW":   true,
	"API_RATE_LIMIT_MAX":      true,
	"UPLOAD_RATE_LIMIT_MAX":   true,
	"SECRET_SALT":             true,
	"GATEHOUSE_PEPPER":        true,
}

// secretVariables are those whose values are shown to nobody.
var secretVariables = map[string]bool{
	"ELIZA_SERVER_AUTH_TOKEN": true,
	"ELIZA_API_KEY":           true,
	"SERVER_API_KEY":          true,
	"SECRET_SALT":             true,
	"GATEHOUSE_PEPPER":        true,
}

// envFileLine is the option that names env files.
const envFileLine = "env_file"

// environment is the process environment, completed by env files.
type environment struct {
	files map[string]string
	from  map[string]string // the file of each
}

// readEnvironment reads env files. The first file that sets a variable wins.
func readEnvironment(paths []string) (environment, error) {
	env := environment{make(map[string]string), make(map[string]string)}
	for _, path := range paths {
		text, err := os.ReadFile(path)
		if err != nil {
			return env, places.At(fmt.Errorf("env_file: %w", err), envFileLine, path)
		}
		for name, value := range dotenv.Parse(string(text)) {
			if _, set := env.files[name]; variables[name] && !set {
				env.files[name], env.from[name] = value, path
			}
		}
	}
	return env, nil
}

// lookup returns a variable's value, or "" where it is unset or empty.
func (e environment) lookup(name string) string {
	if value := os.Getenv(name); value != "" {
		return value
	}
	return e.files[name]
}

// source is the file that a variable's value is from; "" where the process has it.
func (e environment) source(name string) string {
	if os.Getenv(name) != "" {
		return ""
	}
	return e.from[name]
}

// Getenv returns what the documented variable is set to, by the process or by
// an env_file; "" where it is unset or empty.
func (a *App) Getenv(name string) string { return a.env.lookup(name) }

// AdaptedEnv is Getenv for use while a Caddyfile is adapted, when there is no
// app yet. option is the value of the global option gatehouse. The error of a
// file that cannot be read has the line that names it.
func AdaptedEnv(option any, name string) (string, error) {
	var app App
	if global, ok := option.(httpcaddyfile.App); ok {
		if err := json.Unmarshal(global.Value, &app); err != nil {
			return "", err
		}
	}
	env, err := readEnvironment(app.EnvFile)
	return env.lookup(name), places.Told(err, "")
}
