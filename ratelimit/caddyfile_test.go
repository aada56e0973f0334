package ratelimit_test

import (
	"strings"
	"testing"

	"github.com/gatehouse-dev/caddy-gatehouse/gatetest"
)

func TestUnreachableTierIsRefused(t *testing.T) {
	g := gatetest.New(t)
	for path, want := range map[string]string{"/api//x": "empty segments", "api/*": "", "/x/../y": "dot segments"} {
		err := g.Load("GATE {\nagent_rate_limit {\ntier api " + path + " {\nlimit 1 1m\n}\n}\n}")
		if err == nil || !strings.Contains(err.Error(), want) {
			t.Errorf("%s: %v", path, err)
		}
	}
	if err := g.Load("GATE {\nagent_rate_limit {\nconcurrent 2 /a/./b\n}\n}"); err == nil || !strings.Contains(err.Error(), "dot segments") {
		t.Errorf("concurrent: %v", err)
	}
}

// FuzzCaddyfile holds that no text makes the parser panic.
func FuzzCaddyfile(f *testing.F) {
	for _, seed := range []string{
		"100 15m", "{\ntier api /api/* {\nlimit 1000 15m\nlimit 10 1s\nby {header.X}\nfree 304\nipv6_prefix 56\n}\n}",
		"{\nplan pro {\napi 1 1m\n}\n}", "{\nconcurrent {env.N:5} /x\nexempt 10.0.0.0/8 ::1\nheaders off\nstream_idle 5m\n}",
		"{\ntier a {\nlimit {env.A} {env.B} minutes\ncount failures\n}\n}", "9999999999999999999 1s", "1 0.0001ns", "-1 1m", "{\ntier\n}",
	} {
		f.Add(seed)
	}
	f.Fuzz(func(t *testing.T, text string) {
		_, _ = gatetest.Adapt("example.com {\nagent_rate_limit " + text + "\n}")
	})
}
