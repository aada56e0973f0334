package auth_test

import (
	"encoding/json"
	"fmt"
	"net"
	"net/http"
	"os"
	"path/filepath"
	"strings"
	"sync"
	"sync/atomic"
	"testing"
	"time"

	"github.com/gatehouse-dev/caddy-gatehouse/auth/keys"
	"github.com/gatehouse-dev/caddy-gatehouse/events"
	"github.com/gatehouse-dev/caddy-gatehouse/gatetest"
	"pgregory.net/rapid"
)

// TestRotationUnderLoad rotates a key while many connections use it: whoever
// moves to the new secret before the old one has ended is never refused, and
// old and new secret draw on one quota.
func TestRotationUnderLoad(t *testing.T) {
	const clients, each, limit = 50, 80, 100_000_000 // they go on for as long as the machine takes
	file := newKeyFile(t)
	old := file.add(keys.Key{ID: "ada", Scopes: []string{"*"}})
	g := gatetest.Start(t, "{\ngatehouse {\nkeys "+file.Path()+"\n}\n}\nGATE {\nagent_auth\nagent_rate_limit "+fmt.Sprint(limit)+" 15m\nrespond hello\n}")
	send := func(client *http.Client, secret string) (status int, remaining string) {
		r, err := http.NewRequestWithContext(t.Context(), http.MethodGet, "http://"+g.Addr+"/", nil)
		if err != nil {
			t.Error(err)
			return 0, ""
		}
		r.Header.Set("X-API-KEY", secret)
		res, err := client.Do(r)
		if err != nil {
			t.Error(err)
			return 0, ""
		}
		res.Body.Close()
		return res.StatusCode, res.Header.Get("RateLimit-Remaining")
	}
	var fresh string // the new secret, once it is told
	var told, moved, revoked = make(chan struct{}), new(sync.WaitGroup), make(chan struct{})
	moved.Add(clients)
	var sent atomic.Int64
	var wg sync.WaitGroup
	begun := make(chan struct{}, clients)
	start := time.Now()
	for range clients {
		wg.Go(func() {
			client := &http.Client{Transport: &http.Transport{DialContext: new(net.Dialer).DialContext}}
			defer client.CloseIdleConnections()
			use := func(secret string, n int) {
				for range n {
					status, _ := send(client, secret)
					sent.Add(1)
					if status != http.StatusOK {
						t.Errorf("a client that moved in time got %d", status)
						return
					}
				}
			}
			use(old, each/4)
			begun <- struct{}{}
			for waiting := true; waiting; { // it goes on until it is told
				select {
				case <-told:
					waiting = false
				default:
					use(old, 1)
				}
			}
			use(fresh, each/4)
			moved.Done()
			for waiting := true; waiting; {
				select {
				case <-revoked:
					waiting = false
				default:
					use(fresh, 1)
				}
			}
			use(fresh, each/2)
		})
	}
	for range clients {
		<-begun
	}
	file.edit(func(d *keys.Document) error {
		minted, err := d.Rotate("ada", time.Hour, "the one rotation", keys.Edit{Now: time.Now()})
		fresh = minted.Reveal()
		return err
	})
	one := &http.Client{Transport: new(http.Transport)}
	defer one.CloseIdleConnections()
	gatetest.Await(t, "the new secret is valid", func() bool {
		status, _ := send(one, fresh)
		if status == http.StatusOK {
			sent.Add(1)
		}
		return status == http.StatusOK
	})
	close(told)
	moved.Wait()
	file.revoke("ada", "1")
	awaitChange(t, g, events.KeyRevoked, "ada")
	if status, _ := send(one, old); status != http.StatusUnauthorized {
		t.Errorf("the old secret has ended, and gets %d", status)
	}
	close(revoked)
	wg.Wait()
	total := sent.Load()
	t.Logf("%d requests over %d connections, %.0f a second", total, clients, float64(total)/time.Since(start).Seconds())
	status, remaining := send(one, fresh)
	if want := fmt.Sprint(limit - total - 1); status != http.StatusOK || remaining != want {
		t.Errorf("after %d requests %s remain of %d, not %s: a rotation has given additional quota", total+1, remaining, limit, want)
	}
}

// TestSecretsNeverTold holds that whatever a client does with a key, and
// wherever it puts it, nothing that the gate writes holds any part of it.
func TestSecretsNeverTold(t *testing.T) {
	const part = 8 // bytes of a secret that would help to guess the rest
	file := newKeyFile(t)
	secrets := map[string]string{}
	for _, id := range []string{"reader", "gone"} {
		secrets[id] = file.add(keys.Key{ID: id, Scopes: []string{"read"}})
	}
	file.edit(func(d *keys.Document) error {
		secrets["imported"] = bobKey
		if err := d.Import(keys.Key{ID: "imported", Scopes: []string{"read"}}, bobKey, keys.Edit{Now: time.Now()}); err != nil {
			return err
		}
		_, err := d.Revoke("gone", "", 0, keys.Edit{Now: time.Now()})
		return err
	})
	stranger, err := keys.NewSecret()
	if err != nil {
		t.Fatal(err)
	}
	secrets["stranger"] = stranger
	g := gatetest.Start(t, browserSite(file, "accept header X-API-KEY\naccept bearer\naccept query api_key\nrequire admin /admin/*\nrequire read /read/*\nfailures 5 15m"))
	for _, id := range []string{"reader", "imported"} {
		for _, path := range []string{"/read/x", "/admin/x"} {
			g.Get(path, "X-API-KEY", secrets[id], "Sec-Fetch-Site", "same-origin")
		}
		secrets["ticket of "+id] = ticketOf(t, g, "X-API-KEY", secrets[id])
		_, secrets["cookie of "+id], _ = strings.Cut(cookieOf(g.Get("/read/x", "X-API-KEY", secrets[id], "Sec-Fetch-Site", "same-origin")), "=")
	}
	places := []func(secret string) (path string, headers []string){
		func(s string) (string, []string) { return "", []string{"X-API-KEY", s} },
		func(s string) (string, []string) { return "", []string{"x-api-key", " " + s + "\t"} },
		func(s string) (string, []string) { return "", []string{"Authorization", "Bearer " + s} },
		func(s string) (string, []string) { return "", []string{"Cookie", "session=" + s} },
		func(s string) (string, []string) { return "?api_key=" + s, nil },
		func(s string) (string, []string) { return "?ticket=" + s + "&a=b", nil },
		func(s string) (string, []string) { return "?%61pi_key=" + s, nil },
		func(s string) (string, []string) {
			return "", []string{"Referer", "https://app.example.com/?token=" + s}
		},
		func(s string) (string, []string) { return "", []string{"X-API-KEY", s, "X-API-KEY", stranger} },
	}
	ids := []string{"reader", "gone", "imported", "stranger", "ticket of reader", "cookie of imported"}
	rapid.Check(t, func(t *rapid.T) {
		id := rapid.SampledFrom(ids).Draw(t, "whose")
		query, headers := rapid.SampledFrom(places).Draw(t, "place")(secrets[id])
		path := rapid.SampledFrom([]string{"/read/x", "/admin/x", "/media/x", "/socket.io/", "/.gatehouse/ticket", "/%2e%2e%2f"}).Draw(t, "path")
		method := rapid.SampledFrom([]string{"GET", "POST", "OPTIONS"}).Draw(t, "method")
		before := len(g.Log())
		res := g.Send(method, path+query, "", headers...)
		written := g.Log()[before:] + res.Body
		if path == "/.gatehouse/ticket" && method == "POST" && res.Status == http.StatusOK || res.Status == http.StatusOK {
			written = g.Log()[before:] // a ticket is told to whoever asks; the backend's answer is its own
		}
		secret := secrets[id]
		for i := 0; i+part <= len(secret); i++ {
			if strings.Contains(written, secret[i:i+part]) {
				t.Fatalf("%s of the secret of %s is written: %s", secret[i:i+part], id, written)
			}
		}
	})
	// Lists and the file show no secret, the configuration none that is literal.
	doc, err := file.Load()
	if err != nil {
		t.Fatal(err)
	}
	list, err := json.Marshal(keys.StatusOf(doc.Keys, time.Now()))
	if err != nil {
		t.Fatal(err)
	}
	kept, err := os.ReadFile(filepath.Clean(file.Path()))
	if err != nil {
		t.Fatal(err)
	}
	config, err := gatetest.Adapt("http://127.0.0.1:1 {\nagent_auth {\nkey literal " + bobKey + "\n}\n}")
	if err != nil {
		t.Fatal(err)
	}
	for id, secret := range secrets {
		if text := string(list) + string(kept) + string(config); strings.Contains(text, secret) || strings.Contains(fmt.Sprintf("%+v %#v", doc, doc.Keys), secret) {
			t.Errorf("the secret of %s is listed", id)
		}
	}
}
