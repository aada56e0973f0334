package soak_test

import (
	"context"
	"errors"
	"fmt"
	"net/http"
	"strings"
	"testing"
	"time"
)

// expect asks with a key and compares the status.
func expect(t *testing.T, g *gate, key string, want int) error {
	status, _, body, err := g.get(t.Context(), g.client(t), "/api/agents", key)
	if err == nil && status != want {
		err = fmt.Errorf("answered with %d %s, want %d", status, body, want)
	}
	return err
}

// What goes wrong at the backend leaves the gate as an answer that says so, or
// as a connection cut short: never as something that looks whole.
func TestFaultsOfTheBackend(t *testing.T) {
	b := startBackend(t)
	g := startGate(t, config(b))
	client := g.client(t)

	t.Run("garbage", func(t *testing.T) {
		status, header, body, err := g.get(t.Context(), client, "/api/server/logs?how=garbage", key)
		if err != nil || status != http.StatusBadGateway || !strings.Contains(body, `"code":"BACKEND_UNAVAILABLE"`) || header.Get("X-Request-Id") == "" {
			t.Errorf("%d %s %v", status, body, err)
		}
	})
	t.Run("reset in the middle of an answer", func(t *testing.T) {
		status, _, body, err := g.get(t.Context(), client, "/api/server/logs?how=reset", key)
		if err == nil {
			t.Errorf("the answer looks whole: %d %q", status, body)
		}
	})
	t.Run("a client that leaves", func(t *testing.T) {
		ctx, cancel := context.WithTimeout(t.Context(), 50*time.Millisecond)
		defer cancel()
		if _, _, _, err := g.get(ctx, client, "/api/server/logs?how=hang", key); !errors.Is(err, context.DeadlineExceeded) {
			t.Errorf("%v", err)
		}
		if err := expect(t, g, key, http.StatusOK); err != nil {
			t.Error("afterwards: ", err)
		}
	})
	t.Run("a backend that hangs, with a limit", func(t *testing.T) {
		c := config(b)
		c.Sites = strings.Replace(c.Sites, "\n}", " {\n\t\tbackend {\n\t\t\tresponse_header_timeout 100ms\n\t\t}\n\t}\n}", 1)
		limited := startGate(t, c)
		status, _, body, err := limited.get(t.Context(), client, "/api/server/logs?how=hang", key)
		if err != nil || status != http.StatusGatewayTimeout || !strings.Contains(body, `"code":"BACKEND_TIMEOUT"`) {
			t.Errorf("%d %s %v", status, body, err)
		}
	})
	t.Run("gone", func(t *testing.T) {
		b.Server.CloseClientConnections()
		b.Server.Close()
		status, _, body, err := g.get(t.Context(), client, "/api/agents", key)
		if err != nil || status != http.StatusBadGateway || !strings.Contains(body, `"code":"BACKEND_UNAVAILABLE"`) {
			t.Errorf("%d %s %v", status, body, err)
		}
		// Who has no key is not told even that.
		if status, _, _, err := g.get(t.Context(), client, "/api/agents", ""); err != nil || status != http.StatusUnauthorized {
			t.Errorf("a stranger: %d %v", status, err)
		}
	})
}
