package gate

import (
	"errors"
	"os"
	"path/filepath"
	"strings"
	"testing"

	"github.com/caddyserver/caddy/v2/caddyconfig"
	"github.com/caddyserver/caddy/v2/caddyconfig/httpcaddyfile"
)

func write(t *testing.T, text string) string {
	t.Helper()
	path := filepath.Join(t.TempDir(), ".env")
	if err := os.WriteFile(path, []byte(text), 0o600); err != nil {
		t.Fatal(err)
	}
	return path
}

// appWith is an app with env files and nothing else.
func appWith(t *testing.T, files ...string) *App {
	t.Helper()
	env, err := readEnvironment(files)
	if err != nil {
		t.Fatal(err)
	}
	return &App{env: env}
}

func TestEnvironment(t *testing.T) {
	first := write(t, "ELIZA_SERVER_AUTH_TOKEN=from-first\nPATH=/evil\nNODE_OPTIONS=--evil\nSERVER_API_KEY=\n")
	second := write(t, "ELIZA_SERVER_AUTH_TOKEN=from-second\nELIZA_API_KEY=from-second\n")
	t.Setenv("SERVER_PORT", "4000")
	t.Setenv("ELIZA_API_KEY", "")
	app := appWith(t, first, second)
	for name, want := range map[string]string{
		"ELIZA_SERVER_AUTH_TOKEN": "from-first",
		"ELIZA_API_KEY":           "from-second", // set but empty counts as unset
		"SERVER_API_KEY":          "",
		"SERVER_PORT":             "4000",
		"NODE_OPTIONS":            "",
		"PATH":                    os.Getenv("PATH"),
	} {
		if got := app.Getenv(name); got != want {
			t.Errorf("%s is %q, want %q", name, got, want)
		}
	}
	t.Setenv("ELIZA_SERVER_AUTH_TOKEN", "from-process")
	if got := app.Getenv("ELIZA_SERVER_AUTH_TOKEN"); got != "from-process" {
		t.Errorf("the process environment does not win: %q", got)
	}
	if _, err := readEnvironment([]string{"/nowhere/.env"}); err == nil || !strings.Contains(err.Error(), "/nowhere/.env") {
		t.Errorf("a missing file: %v", err)
	}
}

func TestResolve(t *testing.T) {
	file := write(t, "of-the-file\r\n\n")
	t.Setenv("SET", "of-the-variable")
	t.Setenv("EMPTY", "")
	app := appWith(t)
	for value, want := range map[string]string{
		"literal":                           "literal",
		"":                                  "",
		"{env.SET}":                         "of-the-variable",
		"{env.SET:fallback}":                "of-the-variable",
		"{env.UNSET:fallback}":              "fallback",
		"{env.EMPTY:fallback}":              "fallback",
		"{env.UNSET:a:b}":                   "a:b",
		"{env.UNSET:{env.SET}}":             "of-the-variable",
		"{env.UNSET:{env.EMPTY:{env.SET}}}": "of-the-variable",
		"{env.UNSET:{file." + file + "}}":   "of-the-file",
		"{file." + file + "}":               "of-the-file",
	} {
		if got, err := app.Resolve(value); err != nil || got != want {
			t.Errorf("%s gives %q, %v; want %q", value, got, err, want)
		}
	}
	for _, value := range []string{"{env.UNSET}", "{env.EMPTY}", "{env.UNSET:}", "{env.UNSET:{env.EMPTY}}", "{env.}", "{file.relative}", "{file./nowhere}", "{http.request.host}", "{x}", "a{env.SET}", "{env.SET}{env.SET}", "{env.SET}{env.SET"} {
		if got, err := app.Resolve(value); err == nil {
			t.Errorf("%s gives %q, want an error", value, got)
		}
	}
	if got, err := app.ResolveOptional("{env.UNSET}"); got != "" || err != nil {
		t.Errorf("optional: %q, %v", got, err)
	}
	if _, err := app.ResolveOptional("{file./nowhere}"); err == nil {
		t.Error("optional: a missing file is passed over")
	}
	var unset *UnsetError
	if _, err := app.Resolve("{env.UNSET:{env.EMPTY}}"); !errors.As(err, &unset) || unset.Name != "EMPTY" {
		t.Errorf("the error names %v", err)
	}
}

func TestAdaptedEnv(t *testing.T) {
	option := httpcaddyfile.App{Name: "gatehouse", Value: caddyconfig.JSON(App{EnvFile: []string{write(t, "SERVER_PORT=3456")}}, nil)}
	if port, err := AdaptedEnv(option, "SERVER_PORT"); port != "3456" || err != nil {
		t.Errorf("%q, %v", port, err)
	}
	if port, err := AdaptedEnv(nil, "SERVER_PORT"); port != "" || err != nil {
		t.Errorf("without an option: %q, %v", port, err)
	}
}
