package auth_test

import (
	"net/http"
	"os"
	"path/filepath"
	"slices"
	"strings"
	"testing"

	"github.com/gatehouse-dev/caddy-gatehouse/gatetest"
)

const (
	adaKey   = "a-key-for-the-tests-of-ada"
	bobKey   = "Ym9iJ3Mga2V5/with+base64=="
	farKey   = "a-key-from-far-away-networks"
	otherKey = "a-key-of-nobody-in-particular"
)

// site has callers of every kind: Ada reads, Bob does everything, Carol may
// come from elsewhere only.
const site = `GATE {
	agent_auth {
		key ada {env.ADA_KEY} {
			scopes read
			plan pro
		}
		key bob ` + bobKey + ` {
			scopes *
		}
		key carol ` + farKey + ` {
			scopes read
			from 192.0.2.0/24
		}
		public /healthz
		require read /read/*
		require admin /admin/*
		require admin /exact
	}
	header +X-User "{http.auth.user.id} {http.auth.user.plan} {http.auth.user.scopes}"
	reverse_proxy BACKEND {
		transport agent_backend
	}
}`

func start(t testing.TB, caddyfile string) *gatetest.Gate {
	t.Setenv("ADA_KEY", adaKey)
	return gatetest.Start(t, caddyfile)
}

func TestDecisions(t *testing.T) {
	g := start(t, site)
	for _, test := range []struct {
		name    string
		method  string
		path    string
		headers []string
		want    int
	}{
		{"no key", "GET", "/", nil, 401},
		{"no key under /api", "GET", "/api/agents", nil, 401},
		{"no key on sockets", "GET", "/socket.io/?EIO=4&transport=polling", nil, 401},
		{"no key on media", "GET", "/media/uploads/agents/x/y.png", nil, 401},
		{"no key on a plugin's route", "GET", "/fake-model/secret", nil, 401},
		{"X-API-KEY", "GET", "/read/x", []string{"X-API-KEY", adaKey}, 200},
		{"name in other case", "GET", "/read/x", []string{"x-api-key", adaKey}, 200},
		{"white space around", "GET", "/read/x", []string{"X-API-KEY", " \t" + adaKey + " "}, 200},
		{"base64 with + / =", "GET", "/read/x", []string{"X-API-KEY", bobKey}, 200},
		{"bearer", "GET", "/read/x", []string{"Authorization", "Bearer " + adaKey}, 200},
		{"bearer in other case", "GET", "/read/x", []string{"Authorization", "bEARER  " + bobKey}, 200},
		{"basic", "GET", "/read/x", []string{"Authorization", "Basic " + adaKey}, 401},
		{"bearer without a space", "GET", "/read/x", []string{"Authorization", "Bearer" + adaKey}, 401},
		{"bearer alone", "GET", "/read/x", []string{"Authorization", "Bearer"}, 401},
		{"key in the query", "GET", "/read/x?api_key=" + adaKey, nil, 401},
		{"key in a cookie", "GET", "/read/x", []string{"Cookie", "X-API-KEY=" + adaKey}, 401},
		{"empty", "GET", "/read/x", []string{"X-API-KEY", ""}, 401},
		{"wrong", "GET", "/read/x", []string{"X-API-KEY", otherKey}, 401},
		{"a prefix", "GET", "/read/x", []string{"X-API-KEY", adaKey[:20]}, 401},
		{"an extension", "GET", "/read/x", []string{"X-API-KEY", adaKey + "x"}, 401},
		{"other case", "GET", "/read/x", []string{"X-API-KEY", strings.ToUpper(adaKey)}, 401},
		{"joined by a comma", "GET", "/read/x", []string{"X-API-KEY", adaKey + ", " + adaKey}, 401},
		{"twice the same", "GET", "/read/x", []string{"X-API-KEY", adaKey, "X-API-KEY", adaKey}, 200},
		{"two different", "GET", "/read/x", []string{"X-API-KEY", adaKey, "X-API-KEY", bobKey}, 400},
		{"two different, header and bearer", "GET", "/read/x", []string{"X-API-KEY", adaKey, "Authorization", "Bearer " + bobKey}, 400},
		{"the same as header and bearer", "GET", "/read/x", []string{"X-API-KEY", adaKey, "Authorization", "Bearer " + adaKey}, 200},
		{"right, then wrong", "GET", "/read/x", []string{"X-API-KEY", adaKey, "X-API-KEY", otherKey}, 401},
		{"wrong header beside a right bearer", "GET", "/read/x", []string{"X-API-KEY", otherKey, "Authorization", "Bearer " + adaKey}, 401},
		{"a stranger's bearer beside a right header", "GET", "/read/x", []string{"X-API-KEY", adaKey, "Authorization", "Bearer ey.jwt.sig"}, 200},
		{"a stranger's bearer alone", "GET", "/read/x", []string{"Authorization", "Bearer ey.jwt.sig"}, 401},
		{"from another address", "GET", "/read/x", []string{"X-API-KEY", farKey}, 403},
		{"scope missing", "GET", "/admin/x", []string{"X-API-KEY", adaKey}, 403},
		{"every scope", "GET", "/admin/x", []string{"X-API-KEY", bobKey}, 200},
		{"scope missing, other case", "GET", "/ADMIN/x", []string{"X-API-KEY", adaKey}, 403},
		{"scope missing, dressed up", "GET", "/read/..//%61dmin/./x", []string{"X-API-KEY", adaKey}, 403},
		{"scope missing, the folder itself", "GET", "/admin", []string{"X-API-KEY", adaKey}, 403},
		{"scope missing, trailing slash", "GET", "/exact/", []string{"X-API-KEY", adaKey}, 403},
		{"no scope needed", "GET", "/elsewhere", []string{"X-API-KEY", adaKey}, 200},
		{"public", "GET", "/healthz", nil, 200},
		{"public with a wrong key", "GET", "/healthz", []string{"X-API-KEY", otherKey}, 200},
		{"public with a right key", "GET", "/healthz", []string{"X-API-KEY", adaKey}, 200},
		{"public, dressed up", "GET", "/x/../healthz", nil, 200},
		{"not quite public", "GET", "/healthz/", nil, 401},
		{"not quite public either", "GET", "/healthzz", nil, 401},
		{"preflight", "OPTIONS", "/read/x", []string{"Origin", "https://app.example.com", "Access-Control-Request-Method", "POST"}, 200},
		{"OPTIONS without Origin", "OPTIONS", "/read/x", []string{"Access-Control-Request-Method", "POST"}, 401},
		{"OPTIONS without the method", "OPTIONS", "/read/x", []string{"Origin", "https://app.example.com"}, 401},
		{"a GET that looks like a preflight", "GET", "/read/x", []string{"Origin", "https://app.example.com", "Access-Control-Request-Method", "POST"}, 401},
		{"a path that cannot be cleaned", "GET", "/read/%2e%2e%2fadmin/x", []string{"X-API-KEY", bobKey}, 400},
	} {
		t.Run(test.name, func(t *testing.T) {
			before := len(g.Backend.Seen())
			res := g.Send(test.method, test.path, "", test.headers...)
			if res.Status != test.want {
				t.Errorf("%d %s, want %d", res.Status, res.Body, test.want)
			}
			if reached := len(g.Backend.Seen()) > before; reached != (test.want == 200) {
				t.Errorf("reached the backend: %v", reached)
			}
		})
	}
	for _, secret := range []string{adaKey, bobKey, farKey} {
		for _, line := range g.Events() {
			for field, value := range line {
				if text, ok := value.(string); ok && field != "uri" && strings.Contains(text, secret) {
					t.Errorf("a key stands in the field %s of an event", field)
				}
			}
		}
	}
}

// TestStripped holds that the backend never sees a credential that was used,
// and sees every one that was not.
func TestStripped(t *testing.T) {
	g := start(t, site)
	for _, test := range []struct {
		name         string
		path         string
		headers      []string
		apiKey, auth []string
	}{
		{"header", "/read/x", []string{"X-API-KEY", adaKey}, nil, nil},
		{"bearer", "/read/x", []string{"Authorization", "Bearer " + adaKey}, nil, nil},
		{"both", "/read/x", []string{"X-API-KEY", adaKey, "Authorization", "Bearer " + adaKey}, nil, nil},
		{"a user's token beside the key", "/read/x", []string{"X-API-KEY", adaKey, "Authorization", "Bearer ey.jwt.sig"}, nil, []string{"Bearer ey.jwt.sig"}},
		{"basic beside the key", "/read/x", []string{"X-API-KEY", adaKey, "Authorization", "Basic Ym9iOmJvYg=="}, nil, []string{"Basic Ym9iOmJvYg=="}},
		{"two authorizations", "/read/x", []string{"Authorization", "Bearer " + adaKey, "Authorization", "Basic Ym9iOmJvYg=="}, nil, []string{"Basic Ym9iOmJvYg=="}},
		{"public with a valid key", "/healthz", []string{"X-API-KEY", adaKey}, nil, nil},
		{"public with a webhook's own", "/healthz", []string{"X-API-KEY", otherKey, "Authorization", "Bearer hook"}, []string{otherKey}, []string{"Bearer hook"}},
	} {
		t.Run(test.name, func(t *testing.T) {
			if res := g.Get(test.path, test.headers...); res.Status != 200 {
				t.Fatalf("%d %s", res.Status, res.Body)
			}
			got := g.Backend.Last().Header
			if !slices.Equal(got["X-Api-Key"], test.apiKey) || !slices.Equal(got["Authorization"], test.auth) {
				t.Errorf("the backend sees X-API-KEY %q and Authorization %q", got["X-Api-Key"], got["Authorization"])
			}
		})
	}
}

func TestPlaceholders(t *testing.T) {
	g := start(t, `GATE {
		agent_auth {
			key ada {env.ADA_KEY} {
				scopes read chat
				plan pro
			}
			anonymous look
		}
		respond "{http.auth.user.id},{http.auth.user.plan},{http.auth.user.scopes}"
	}`)
	if res := g.Get("/", "X-API-KEY", adaKey); res.Body != "ada,pro,read chat" {
		t.Errorf("with a key: %q", res.Body)
	}
	if res := g.Get("/"); res.Body != ",,look" {
		t.Errorf("without a key: %q", res.Body)
	}
}

func TestAnonymous(t *testing.T) {
	g := start(t, `GATE {
		agent_auth {
			key ada {env.ADA_KEY} {
				scopes admin
			}
			anonymous read chat
			require read /read/*
			require admin /admin/*
		}
		respond hello
	}`)
	for _, test := range []struct {
		path    string
		headers []string
		want    int
	}{
		{"/read/x", nil, 200},
		{"/elsewhere", nil, 200},
		{"/admin/x", nil, 401},
		{"/admin/x", []string{"X-API-KEY", adaKey}, 200},
		{"/read/x", []string{"X-API-KEY", adaKey}, 403},
		{"/read/x", []string{"X-API-KEY", otherKey}, 401},
		{"/read/x", []string{"Authorization", "Bearer ey.jwt.sig"}, 401},
	} {
		if res := g.Get(test.path, test.headers...); res.Status != test.want {
			t.Errorf("%s %v: %d, want %d", test.path, test.headers, res.Status, test.want)
		}
	}
	if events := g.Events(); events[0]["reason"] != "no key was presented, and callers without one do not have the scope admin" {
		t.Errorf("reason: %v", events[0]["reason"])
	}
}

func TestOwnHeader(t *testing.T) {
	g := start(t, `GATE {
		agent_auth {
			accept header X-Agent-Key
			key ada {env.ADA_KEY}
		}
		respond hello
	}`)
	for _, test := range []struct {
		header, value string
		want          int
	}{
		{"X-Agent-Key", adaKey, 200},
		{"X-API-KEY", adaKey, 401},
		{"Authorization", "Bearer " + adaKey, 401},
	} {
		if res := g.Get("/", test.header, test.value); res.Status != test.want {
			t.Errorf("%s: %d, want %d", test.header, res.Status, test.want)
		}
	}
}

// TestReasons holds that all 401 are one answer, and that the log tells them apart.
func TestReasons(t *testing.T) {
	g := start(t, site)
	for value, want := range map[string]string{
		"":       "no key was presented",
		otherKey: "the X-Api-Key is no valid key: unknown",
		"agk_000000000000000000000000000000000000": "the X-Api-Key is no valid key: malformed",
	} {
		before := len(g.Events())
		res := g.Get("/read/x", "X-API-KEY", value)
		if res.Body != `{"success":false,"error":"Authentication required"}` {
			t.Errorf("%q: %s", value, res.Body)
		}
		if got := g.Events()[before]["reason"]; got != want {
			t.Errorf("%q: reason %q, want %q", value, got, want)
		}
	}
}

func TestRefusedConfigurations(t *testing.T) {
	folder := t.TempDir()
	empty := filepath.Join(folder, "empty")
	if err := os.WriteFile(empty, []byte("\n"), 0o600); err != nil {
		t.Fatal(err)
	}
	for name, test := range map[string]struct{ options, want string }{
		"no key":            {"", "agent_auth has no key, so nobody could enter. Make a key with `openssl rand -base64 32`"},
		"unset variable":    {"key a {env.NOT_SET}", "key a: the environment variable NOT_SET is unset or empty: set it, or name a file that sets it with `env_file`"},
		"no file":           {"key a {file./nowhere/key}", "key a: {file./nowhere/key}: open /nowhere/key: no such file"},
		"empty file":        {"key a {file." + empty + "}", "the file is empty"},
		"short value":       {"key a {env.SHORT}", "key a: {env.SHORT}: the key is shorter than 16 characters"},
		"sample value":      {"key a {env.SAMPLE}", "key a: {env.SAMPLE}: the key is a sample"},
		"expired":           {"key a {env.ADA_KEY} {\nexpires 2020-01-01\n}", "key a: it expired on 2020-01-01: remove the key, or give it a later date"},
		"scopes unsaid":     {"key a {env.ADA_KEY}\nrequire read /x\nrequire admin /y", "key a: it has no scopes, but this site requires read, admin: write `scopes`"},
		"one secret twice":  {"key a {env.ADA_KEY}\nkey b {env.ADA_KEY}", "secret"},
		"public everything": {"key a {env.ADA_KEY}\npublic *", "public opens every path to everybody"},
		"anonymous *":       {"anonymous *", "anonymous *: this gives every scope to callers without a key"},
		"require *":         {"key a {env.ADA_KEY} {\nscopes *\n}\nrequire *", "require *: name the one scope"},
		"accept twice":      {"accept bearer\naccept bearer\nkey a {env.ADA_KEY}", "accept names the same place twice: bearer"},
		"unknown table":     {"key a {env.ADA_KEY} {\nscopes *\n}\nrequire admin @nowhere", `agent_route: no route table "nowhere": there is elizaos`},
	} {
		t.Run(name, func(t *testing.T) {
			t.Setenv("ADA_KEY", adaKey)
			t.Setenv("SHORT", "short")
			t.Setenv("SAMPLE", "your-secure-token-here")
			g := gatetest.New(t)
			err := g.Load("GATE {\n@nowhere agent_route nowhere scope admin\nagent_auth {\n" + test.options + "\n}\n}")
			if err == nil || !strings.Contains(err.Error(), test.want) {
				t.Fatalf("got %v\nwant %s", err, test.want)
			}
			if strings.Contains(err.Error(), adaKey) || strings.Contains(err.Error(), "your-secure") {
				t.Errorf("the error tells the secret: %v", err)
			}
		})
	}
}

// TestLiteralInJSON holds that a secret in the clear is refused in JSON too.
func TestLiteralInJSON(t *testing.T) {
	config, err := gatetest.Adapt(`http://127.0.0.1:1 {
		agent_auth {
			key a {env.ADA_KEY}
		}
	}`)
	if err != nil {
		t.Fatal(err)
	}
	err = gatetest.New(t).LoadJSON([]byte(strings.ReplaceAll(string(config), "{env.ADA_KEY}", "a-literal-secret-in-json")))
	if err == nil || !strings.Contains(err.Error(), "key a: its secret stands in the clear") || strings.Contains(err.Error(), "a-literal-secret") {
		t.Errorf("got %v", err)
	}
}

func TestExpires(t *testing.T) {
	g := start(t, `GATE {
		agent_auth {
			key ada {env.ADA_KEY} {
				expires 2099-12-31
			}
		}
		respond hello
	}`)
	if res := g.Get("/", "X-API-KEY", adaKey); res.Status != 200 {
		t.Errorf("%d", res.Status)
	}
}

func TestFileSecret(t *testing.T) {
	file := filepath.Join(t.TempDir(), "key")
	if err := os.WriteFile(file, []byte(bobKey+"\r\n"), 0o600); err != nil {
		t.Fatal(err)
	}
	g := start(t, "GATE {\nagent_auth {\nkey bob {file."+file+"}\n}\nrespond hello\n}")
	if res := g.Get("/", "X-API-KEY", bobKey); res.Status != 200 {
		t.Errorf("%d", res.Status)
	}
}

// TestWholeSecretCounts holds that every byte of a key counts.
func TestWholeSecretCounts(t *testing.T) {
	g := start(t, site)
	for i := range adaKey {
		wrong := []byte(adaKey)
		wrong[i] ^= 1
		if res := g.Get("/read/x", "X-API-KEY", string(wrong)); res.Status != http.StatusUnauthorized {
			t.Errorf("byte %d may be wrong: %d", i, res.Status)
		}
	}
}
