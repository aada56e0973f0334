package gate

import (
	"errors"
	"fmt"
	"os"
	"path/filepath"
	"strings"

	"github.com/gatehouse-dev/caddy-gatehouse/events/places"
	"github.com/gatehouse-dev/caddy-gatehouse/gate/dotenv"
)

// A configured value may be a placeholder instead of a literal, so that
// secrets stay out of configuration files:
//
//	{env.NAME}           the environment variable, or the same name in an env_file
//	{env.NAME:default}   the same, and what to use where it is unset or empty
//	{file./run/secret}   the content of a file, without the line break at its end
//
// A placeholder is the whole value, never a part of one, and what it stands
// for is never empty. It is resolved when the configuration is loaded. The
// default may be a placeholder itself.

// Resolver gives what a configured value stands for, as App.Resolve does.
type Resolver func(string) (string, error)

// IsPlaceholder reports whether a configured value is meant as a placeholder.
func IsPlaceholder(value string) bool {
	return strings.HasPrefix(value, "{") && strings.HasSuffix(value, "}")
}

// CheckPlaceholder judges a value's form without resolving it, for use while a
// Caddyfile is adapted. Literals pass.
func CheckPlaceholder(value string) error {
	_, _, err := parsePlaceholder(value)
	return err
}

type valueKind int

const (
	literalValue valueKind = iota
	envValue
	fileValue
)

func parsePlaceholder(value string) (kind valueKind, content string, err error) {
	if !IsPlaceholder(value) {
		for _, open := range []string{"{env.", "{file.", "{http.", "{$"} {
			if strings.Contains(value, open) {
				return 0, "", errors.New("a placeholder must be the whole value, not a part of one")
			}
		}
		return literalValue, value, nil
	}
	inner := value[1 : len(value)-1]
	switch {
	case strings.HasPrefix(inner, "env."):
		name, _, _ := strings.Cut(inner[len("env."):], ":")
		if name == "" || strings.ContainsFunc(name, func(r rune) bool { return !dotenv.IsNameRune(r) }) {
			return 0, "", errors.New("{env.<NAME>} names no variable: a name is made of letters, digits and underscores")
		}
		return envValue, inner[len("env."):], nil
	case strings.HasPrefix(inner, "file."):
		path := inner[len("file."):]
		if !filepath.IsAbs(path) {
			return 0, "", fmt.Errorf("{file.%s}: the path must be absolute, like {file./run/secrets/key}", path)
		}
		return fileValue, path, nil
	case strings.HasPrefix(inner, "http.request.uri.path.file."):
		// Caddy reads {file.token} as its shorthand for a part of the request's path.
		return 0, "", errors.New("{file.<name>} means a part of the request's path to Caddy: write an absolute path, like {file./run/secrets/key}")
	}
	return 0, "", fmt.Errorf("%s: only {env.NAME}, {env.NAME:default} and {file./path} can stand here", value)
}

// Resolve returns what a configured value stands for. A literal stands for
// itself. It is an error if a placeholder stands for nothing; the error names
// the placeholder, never the value, and is of the line where that stands.
func (a *App) Resolve(value string) (string, error) {
	resolved, err := a.standsFor(value)
	return resolved, places.At(err, value)
}

func (a *App) standsFor(value string) (string, error) {
	kind, content, err := parsePlaceholder(value)
	if err != nil {
		return "", err
	}
	switch kind {
	case envValue:
		name, fallback, has := strings.Cut(content, ":")
		if found := a.env.lookup(name); found != "" {
			return found, nil
		}
		if has && fallback != "" {
			return a.standsFor(fallback)
		}
		return "", &UnsetError{Name: name}
	case fileValue:
		data, err := os.ReadFile(content)
		if err != nil {
			return "", fmt.Errorf("{file.%s}: %w", content, err)
		}
		text := strings.TrimRight(string(data), "\r\n")
		if text == "" {
			return "", fmt.Errorf("{file.%s}: the file is empty", content)
		}
		return text, nil
	default:
		return content, nil
	}
}

// UnsetError says that a value stands for an environment variable that is
// unset or empty, and has no default.
type UnsetError struct{ Name string }

func (e *UnsetError) Error() string {
	return fmt.Sprintf("the environment variable %s is unset or empty: set it, or name a file that sets it with `env_file` in the global option gatehouse", e.Name)
}

// ResolveOptional is Resolve for values that may be missing: an unset variable
// gives "".
func (a *App) ResolveOptional(value string) (string, error) {
	if value == "" {
		return "", nil
	}
	resolved, err := a.Resolve(value)
	if unset := (*UnsetError)(nil); errors.As(err, &unset) {
		return "", nil
	}
	return resolved, err
}
