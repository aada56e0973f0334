package auth_test

import (
	"strings"
	"testing"

	"github.com/gatehouse-dev/caddy-gatehouse/auth/keys"
)

// TestStreamsOfPlacesThatAreGone holds that a key ends with the place where it
// was written: a reload without the key file, or without the site, ends the
// streams of its keys, unless another place has the same key.
func TestStreamsOfPlacesThatAreGone(t *testing.T) {
	file := newKeyFile(t)
	ada := file.add(keys.Key{ID: "ada", Scopes: []string{"*"}})
	const behind = "\nreverse_proxy BACKEND {\nflush_interval -1\nstream_close_delay 1h\ntransport agent_backend\n}\n}\n"
	option := "{\ngatehouse {\nkeys " + file.Path() + "\n}\n}\n"
	site := "GATE {\nagent_auth {\nkey bob " + bobKey + "\n}" + behind
	g := start(t, option+site)
	_, port, _ := strings.Cut(g.Addr, ":")
	renamed := "http://another.test:" + port + ", " + site
	streams := holdStreams(t, g)
	load := func(config, want string) {
		t.Helper()
		if err := g.Load(config); err != nil {
			t.Fatal(err)
		}
		streams.awaitEnd(want)
	}
	streams.open("/ada", ada)
	streams.open("/bob", bobKey)
	load(renamed, "/ada")
	load(strings.Replace(site, bobKey, otherKey, 1), "/bob")
	if len(streams.gone) > 0 {
		t.Errorf("%s has ended", <-streams.gone)
	}
}
