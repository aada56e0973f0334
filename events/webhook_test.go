package events_test

import (
	"context"
	"encoding/json"
	"io"
	"net/http"
	"net/http/httptest"
	"strings"
	"testing"

	"github.com/caddyserver/caddy/v2"
	"github.com/caddyserver/caddy/v2/caddyconfig/caddyfile"
	"github.com/stretchr/testify/require"
	"go.uber.org/goleak"

	"github.com/gatehouse-dev/caddy-gatehouse/events"
	"github.com/gatehouse-dev/caddy-gatehouse/gatetest"
)

// posts is a webhook's other end: what was posted, in order.
func posts(t *testing.T, answer http.HandlerFunc) (target string, received chan map[string]any) {
	t.Helper()
	received = make(chan map[string]any, 1000)
	server := httptest.NewServer(http.HandlerFunc(func(w http.ResponseWriter, r *http.Request) {
		body, _ := io.ReadAll(r.Body)
		var fields map[string]any
		if err := json.Unmarshal(body, &fields); err != nil {
			t.Errorf("%v: %s", err, body)
		}
		fields["authorization"] = r.Header.Get("Authorization")
		received <- fields
		if answer != nil {
			answer(w, r)
		}
	}))
	t.Cleanup(server.Close)
	return server.URL, received
}

func await(t *testing.T, received chan map[string]any) map[string]any {
	t.Helper()
	return gatetest.Receive(t, "a post", received)
}

// TestWebhook holds that an event of a request that was refused is posted,
// with the operator's header and without the client's key.
func TestWebhook(t *testing.T) {
	const wrong = "wrong-key-that-somebody-presents-0815"
	target, received := posts(t, nil)
	t.Setenv("HOOK", target)
	t.Setenv("HOOK_TOKEN", "token-of-the-webhook")
	t.Setenv("KEY", "a-key-that-is-long-enough-4711-to-be-one")
	g := gatetest.Start(t, `
	{
		events {
			on agent_security agent_webhook {env.HOOK} {
				header Authorization "Bearer {env.HOOK_TOKEN}"
			}
		}
	}
	GATE {
		agent_gate
		agent_auth {
			key ada {env.KEY}
		}
		respond ok
	}`)
	require.Equal(t, http.StatusUnauthorized, g.Get("/x?api_key="+wrong, "X-API-KEY", wrong).Status)
	fields := await(t, received)
	for strings.HasPrefix(fields["event"].(string), "sys_") { // of the start, which may still be on its way
		fields = await(t, received)
	}
	require.Equal(t, "authn_login_fail", fields["event"])
	require.Equal(t, "Bearer token-of-the-webhook", fields["authorization"])
	require.Equal(t, "127.0.0.1", fields["client_ip"])
	require.Equal(t, "[SECURITY] Unauthorized access attempt from 127.0.0.1", fields["message"])
	require.NotEmpty(t, fields["time"])
	text, err := json.Marshal(fields)
	require.NoError(t, err)
	require.NotContains(t, string(text), wrong)
	require.NotContains(t, g.Log(), "token-of-the-webhook")
}

func newWebhook(t *testing.T, target string) *events.Webhook {
	t.Helper()
	w := &events.Webhook{URL: target}
	ctx, cancel := caddy.NewContext(caddy.Context{Context: t.Context()})
	t.Cleanup(cancel)
	require.NoError(t, w.Provision(ctx))
	return w
}

func handle(t *testing.T, w *events.Webhook, name string) {
	t.Helper()
	e := caddy.Event{Data: map[string]any{"event": name}}
	require.NoError(t, w.Handle(t.Context(), e))
}

// TestWebhookNeverWaits holds that a webhook that does not answer holds nobody
// up, that what it misses is counted, and that nothing is left running.
func TestWebhookNeverWaits(t *testing.T) {
	defer goleak.VerifyNone(t, goleak.IgnoreCurrent())
	release := make(chan struct{})
	t.Run("", func(t *testing.T) {
		target, received := posts(t, func(_ http.ResponseWriter, r *http.Request) {
			select {
			case <-release:
			case <-r.Context().Done():
			}
		})
		w := newWebhook(t, target)
		const all = 1000
		for range all {
			handle(t, w, "flood")
		}
		close(release)
		got, dropped := 0, 0.0
		count := func() (name any) {
			fields := await(t, received)
			n, _ := fields["dropped"].(float64)
			dropped += n
			got++
			return fields["event"]
		}
		for range 256 { // the queue
			count()
		}
		handle(t, w, "last") // carries how many were dropped since
		for count() != "last" {
		}
		require.EqualValues(t, all+1-got, dropped)
		require.Greater(t, dropped, 500.0)
		require.NoError(t, w.Cleanup())
	})
}

// TestWebhookEndsAtOnce holds that a reload does not wait for a webhook.
func TestWebhookEndsAtOnce(t *testing.T) {
	target, received := posts(t, func(_ http.ResponseWriter, r *http.Request) { <-r.Context().Done() })
	w := newWebhook(t, target)
	handle(t, w, "one")
	await(t, received)
	require.NoError(t, w.Cleanup())
}

func TestWebhookGoesOnAfterFailures(t *testing.T) {
	fail := true
	target, received := posts(t, func(w http.ResponseWriter, _ *http.Request) {
		if fail {
			w.WriteHeader(http.StatusInternalServerError)
		}
		fail = false
	})
	w := newWebhook(t, target)
	handle(t, w, "one")
	handle(t, w, "two")
	require.Equal(t, "one", await(t, received)["event"])
	require.Equal(t, "two", await(t, received)["event"])
	require.NoError(t, w.Cleanup())
}

// TestWebhookSecrets holds that a secret of a webhook does not stand in the
// configuration, and that what is no secret may.
func TestWebhookSecrets(t *testing.T) {
	t.Setenv("HOOK_TOKEN", "token-of-the-webhook")
	for _, test := range []struct {
		name, value string
		refused     bool
	}{
		{"Authorization", "Bearer s3cret-in-the-clear", true},
		{"x-api-key", "s3cret-in-the-clear", true},
		{"Authorization", "Bearer {env.HOOK_TOKEN}", false},
		{"X-Tenant", "one", false},
	} {
		w := &events.Webhook{URL: "https://a.test", Headers: map[string]string{test.name: test.value}}
		ctx, cancel := caddy.NewContext(caddy.Context{Context: context.Background()})
		err := w.Provision(ctx)
		cancel()
		require.Equal(t, test.refused, err != nil, "%s %s: %v", test.name, test.value, err)
		if err != nil {
			require.NotContains(t, err.Error(), "s3cret")
			require.ErrorContains(t, err, "{env.NAME}")
		}
		require.NoError(t, w.Cleanup())
	}
}

func TestWebhookConfiguration(t *testing.T) {
	for text, want := range map[string]string{
		"agent_webhook":                                                 "takes one URL",
		"agent_webhook https://a.test b":                                "takes one URL",
		"agent_webhook a.test/hook":                                     "https or http URL with a host, such as https://hooks.example.com/gate, at Testfile:1",
		"agent_webhook ftp://a.test":                                    "https or http",
		"agent_webhook https://a.test {\n\theader \"A b\" c\n}":         `header "A b": this is no name of a header, at Testfile:2`,
		"agent_webhook https://a.test {\n\theader Authorization x\n}":   "stands in the clear",
		"agent_webhook https://a.test {\n\theader A\n}":                 "header <name> <value>",
		"agent_webhook https://a.test {\n\ttimeout\n}":                  "timeout takes one duration",
		"agent_webhook https://a.test {\n\tretries 3\n}":                "unknown option retries",
		"agent_webhook https://a.test {\n\ttimeout soon\n}":             "timeout soon",
		"agent_webhook https://a.test {\n\ttimeout 1s\n\ttimeout 1s\n}": "twice",
		"agent_webhook https://a.test {\n\theader A b\n\theader A c\n}": "twice",
	} {
		err := new(events.Webhook).UnmarshalCaddyfile(caddyfile.NewTestDispenser(text))
		require.ErrorContains(t, err, want, text)
	}
	for target, want := range map[string]string{
		"ftp://a.test":                   "https or http",
		"not a url":                      "https or http",
		"{env.GATEHOUSE_TEST_NOT_SET}":   "GATEHOUSE_TEST_NOT_SET",
		"https://":                       "https or http",
		"https://user:s3cret@\x7f.test/": "https or http",
	} {
		w := &events.Webhook{URL: target}
		ctx, cancel := caddy.NewContext(caddy.Context{Context: context.Background()})
		err := w.Provision(ctx)
		cancel()
		require.ErrorContains(t, err, want, target)
		require.False(t, strings.Contains(err.Error(), "s3cret"))
		require.NoError(t, w.Cleanup())
	}
}
