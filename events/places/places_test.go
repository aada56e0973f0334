package places_test

import (
	"errors"
	"fmt"
	"testing"

	"github.com/gatehouse-dev/caddy-gatehouse/events/places"
)

func TestTold(t *testing.T) {
	places.Forget()
	t.Cleanup(places.Forget)
	places.Note("Caddyfile:1", "agent_auth")
	places.Note("Caddyfile:2", "key", "ci", "{env.CI}")
	places.Note("Caddyfile:3", "from", "10.0.0.0/8", "{env.HERE}")
	wrong := errors.New("it is wrong")
	for name, test := range map[string]struct {
		err  error
		want string
	}{
		"nothing":                   {nil, ""},
		"of the whole":              {wrong, "Caddyfile:1: it is wrong"},
		"of a line":                 {places.At(wrong, "key", "ci", "{env.CI}"), "Caddyfile:2: it is wrong"},
		"by its beginning":          {places.At(wrong, "key", "ci"), "Caddyfile:2: it is wrong"},
		"by one of its words":       {places.At(wrong, "from", "{env.HERE}"), "Caddyfile:3: it is wrong"},
		"the innermost is known":    {places.At(fmt.Errorf("key: %w", places.At(wrong, "from", "{env.HERE}")), "key", "ci"), "Caddyfile:3: key: it is wrong"},
		"the innermost is unknown":  {places.At(fmt.Errorf("key: %w", places.At(wrong, "from", "x")), "key", "ci"), "Caddyfile:2: key: it is wrong"},
		"unknown":                   {places.At(wrong, "tier", "x"), "Caddyfile:1: it is wrong"},
		"several":                   {errors.Join(wrong, nil, places.At(wrong, "key", "ci")), "Caddyfile:1: it is wrong\nCaddyfile:2: it is wrong"},
		"several with one prefix":   {fmt.Errorf("key: %w", errors.Join(wrong, places.At(wrong, "from", "{env.HERE}"))), "Caddyfile:1: key: it is wrong\nCaddyfile:3: key: it is wrong"},
		"with more behind it":       {fmt.Errorf("key: %w (so it is)", places.At(wrong, "key", "ci")), "Caddyfile:2: key: it is wrong (so it is)"},
		"two with words in between": {fmt.Errorf("%w, and %w", wrong, places.At(wrong, "key", "ci")), "Caddyfile:2: it is wrong, and it is wrong"},
		"told already":              {fmt.Errorf("key: %w", places.Told(places.At(wrong, "key", "ci"), "")), "key: Caddyfile:2: it is wrong"},
	} {
		t.Run(name, func(t *testing.T) {
			got := ""
			if err := places.Told(test.err, "", "agent_auth"); err != nil {
				got = err.Error()
			}
			if got != test.want {
				t.Errorf("got %q, want %q", got, test.want)
			}
		})
	}
	if err := places.Told(places.At(wrong, "key", "ci"), ""); !errors.Is(err, wrong) {
		t.Error("what is told does not wrap what is wrong")
	}
}

// A process that knows nothing of a Caddyfile names a line by its words, and one
// that knows says where it stands.
func TestFill(t *testing.T) {
	places.Forget()
	t.Cleanup(places.Forget)
	err := places.Told(errors.Join(places.At(errors.New("a"), "key", "ci"), places.At(errors.New("b"), "tier", "x"), errors.New("c")), "", "agent_auth")
	const unknown = "the line with `key ci`: a\nthe line with `tier x`: b\nthe line with `agent_auth`: c"
	if err.Error() != unknown {
		t.Errorf("got %q, want %q", err, unknown)
	}
	places.Note("Caddyfile:2", "key", "ci", "{env.CI}")
	places.Note("Caddyfile:9", "agent_auth")
	if got, want := places.Fill(err.Error()), "Caddyfile:2: a\nthe line with `tier x`: b\nCaddyfile:9: c"; got != want {
		t.Errorf("got %q, want %q", got, want)
	}
}

// Lines that are written alike are all named, if they are few.
func TestManyAlike(t *testing.T) {
	places.Forget()
	t.Cleanup(places.Forget)
	for i := range 5 {
		for range 2 { // a file may be read twice
			places.Note(fmt.Sprintf("Caddyfile:%d", i+1), "limit", "1", "1m")
		}
		want := []string{"Caddyfile:1", "Caddyfile:1 or Caddyfile:2", "Caddyfile:1 or Caddyfile:2 or Caddyfile:3"}
		if got := places.Of("limit", "1", "1m"); i < len(want) && got != want[i] {
			t.Errorf("of %d lines: %s", i+1, got)
		}
	}
	if got, want := places.Of("limit"), "Caddyfile:1 or Caddyfile:2 or Caddyfile:3 or more"; got != want {
		t.Errorf("got %s, want %s", got, want)
	}
}
