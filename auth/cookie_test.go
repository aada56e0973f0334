package auth_test

import (
	"fmt"
	"io"
	"net/http"
	"strings"
	"testing"
	"time"

	"github.com/gatehouse-dev/caddy-gatehouse/auth/keys"
	"github.com/gatehouse-dev/caddy-gatehouse/events"
	"github.com/gatehouse-dev/caddy-gatehouse/gatetest"
)

// browserSite is a site with keys from a file, and a page of another origin
// that may use it.
func browserSite(f keyFile, more string) string {
	return "{\ngatehouse {\nkeys " + f.Path() + "\n}\n}\nGATE {\nagent_cors https://app.example.com {\ncredentials\n}\n" +
		"agent_auth {\n" + more + "\n}\nreverse_proxy BACKEND {\ntransport agent_backend\n}\n}"
}

// cookieOf is the cookie that a response gives, as a browser sends it back.
func cookieOf(res gatetest.Response) string {
	for _, line := range res.Header["Set-Cookie"] {
		if pair, rest, _ := strings.Cut(line, "; "); strings.HasPrefix(pair, "__Host-gatehouse-") && !strings.HasPrefix(rest, "Max-Age=0") {
			return pair
		}
	}
	return ""
}

func TestCookieIsEarned(t *testing.T) {
	file := newKeyFile(t)
	ada := file.add(keys.Key{ID: "ada", Scopes: []string{"*"}})
	g := gatetest.Start(t, browserSite(file, ""))
	own := "http://" + g.Addr
	for _, test := range []struct {
		name    string
		headers []string
		want    bool
	}{
		{"the same origin", []string{"X-API-KEY", ada, "Sec-Fetch-Site", "same-origin"}, true},
		{"the same origin, said by Origin too", []string{"X-API-KEY", ada, "Sec-Fetch-Site", "same-origin", "Origin", own}, true},
		{"the same origin, by bearer", []string{"Authorization", "Bearer " + ada, "Sec-Fetch-Site", "same-origin"}, true},
		{"an old browser, the same origin", []string{"X-API-KEY", ada, "Origin", own}, true},
		{"the same site, allowed", []string{"X-API-KEY", ada, "Sec-Fetch-Site", "same-site", "Origin", "https://app.example.com"}, true},
		{"the same site, not allowed", []string{"X-API-KEY", ada, "Sec-Fetch-Site", "same-site", "Origin", "https://evil.example.com"}, false},
		{"the same site, no origin", []string{"X-API-KEY", ada, "Sec-Fetch-Site", "same-site"}, false},
		{"another site, allowed", []string{"X-API-KEY", ada, "Sec-Fetch-Site", "cross-site", "Origin", "https://app.example.com"}, false},
		{"no browser", []string{"X-API-KEY", ada}, false},
		{"typed in", []string{"X-API-KEY", ada, "Sec-Fetch-Site", "none"}, false},
		{"two words", []string{"X-API-KEY", ada, "Sec-Fetch-Site", "same-origin", "Sec-Fetch-Site", "same-origin"}, false},
		{"an origin that does not fit", []string{"X-API-KEY", ada, "Sec-Fetch-Site", "same-origin", "Origin", "https://app.example.com"}, false},
		{"a wrong key", []string{"X-API-KEY", otherKey, "Sec-Fetch-Site", "same-origin"}, false},
		{"a host that is not loopback, in the clear", []string{"Host", "agents.example.com", "X-API-KEY", ada, "Sec-Fetch-Site", "same-origin"}, false},
	} {
		res := g.Get("/api/agents", test.headers...)
		if got := cookieOf(res) != ""; got != test.want {
			t.Errorf("%s: a cookie %v (%d)", test.name, got, res.Status)
		}
		for _, line := range res.Header["Set-Cookie"] {
			for _, want := range []string{"; Path=/", "; Secure", "; HttpOnly", "; SameSite=Strict", "; Max-Age=43200"} {
				if !strings.Contains(line, want) || strings.Contains(line, "Domain") {
					t.Errorf("%s: %s", test.name, line)
				}
			}
			if !strings.Contains(strings.Join(res.Header["Cache-Control"], ","), "private") {
				t.Errorf("shared caches may keep it: %v", res.Header)
			}
		}
	}
	cookie := cookieOf(g.Get("/", "X-API-KEY", ada, "Sec-Fetch-Site", "same-origin"))
	if again := g.Get("/", "X-API-KEY", ada, "Sec-Fetch-Site", "same-origin", "Cookie", cookie); cookieOf(again) != "" {
		t.Error("a young cookie is made anew")
	}
	if forged := g.Get("/", "X-API-KEY", ada, "Sec-Fetch-Site", "same-origin", "Cookie", cookie[:len(cookie)-3]+"AAA"); cookieOf(forged) == "" {
		t.Error("a forged cookie is not replaced")
	}
}

func TestCookieIsGoodFor(t *testing.T) {
	file := newKeyFile(t)
	ada := file.add(keys.Key{ID: "ada", Scopes: []string{"read"}})
	g := gatetest.Start(t, browserSite(file, "require admin /socket.io/admin"))
	own := "http://" + g.Addr
	cookie := cookieOf(g.Get("/", "X-API-KEY", ada, "Sec-Fetch-Site", "same-origin"))
	upgrade := []string{"Connection", "keep-alive, Upgrade", "Upgrade", "websocket", "Sec-WebSocket-Version", "13", "Sec-WebSocket-Key", "dGhlIHNhbXBsZSBub25jZQ=="}
	same := []string{"Sec-Fetch-Site", "same-origin"}
	for _, test := range []struct {
		name         string
		method, path string
		headers      []string
		want         int
	}{
		{"polling", "GET", "/socket.io/?EIO=4&transport=polling", same, 200},
		{"polling in other case", "GET", "/SOCKET.IO/", same, 200},
		{"sending by polling", "POST", "/socket.io/?EIO=4&transport=polling&sid=x", append([]string{"Origin", own}, same...), 200},
		{"an old browser", "POST", "/socket.io/", []string{"Origin", own}, 200},
		{"a browser that says nothing", "GET", "/socket.io/", nil, 401},
		{"the allowed page of the same site", "POST", "/socket.io/", []string{"Origin", "https://app.example.com", "Sec-Fetch-Site", "same-site"}, 200},
		{"another page of the same site", "GET", "/socket.io/", []string{"Sec-Fetch-Site", "same-site"}, 401},
		{"another site", "GET", "/socket.io/", []string{"Sec-Fetch-Site", "cross-site"}, 401},
		{"a page of the same site whose origin is not allowed", "POST", "/socket.io/", []string{"Origin", "https://evil.example.com", "Sec-Fetch-Site", "same-site"}, 403},
		{"an image", "GET", "/media/uploads/agents/x/y.png", same, 200},
		{"its head", "HEAD", "/media/uploads/agents/x/y.png", same, 200},
		{"an image on a page of the same site", "GET", "/media/x.png", []string{"Sec-Fetch-Site", "same-site"}, 200},
		{"an image on a page of another site", "GET", "/media/x.png", []string{"Sec-Fetch-Site", "cross-site"}, 401},
		{"an image, typed in", "GET", "/media/x.png", []string{"Sec-Fetch-Site", "none"}, 200},
		{"a socket, typed in", "GET", "/socket.io/", []string{"Sec-Fetch-Site", "none"}, 401},
		{"writing media", "POST", "/media/x.png", append([]string{"Origin", own}, same...), 401},
		{"the API", "GET", "/api/agents", same, 401},
		{"a page", "GET", "/", same, 401},
		{"nearly media", "GET", "/mediax", same, 401},
		{"media in the API", "GET", "/api/media/x", same, 401},
		{"a way out of media", "GET", "/media/../api/agents", same, 401},
		{"another upgrade, not answered as one", "GET", "/api/agents", append(append([]string{"Origin", own}, same...), upgrade...), 426},
		{"an upgrade to something else", "GET", "/api/agents", append([]string{"Connection", "Upgrade", "Upgrade", "h2c"}, same...), 401},
		{"an upgrade from another site", "GET", "/ws", append([]string{"Origin", "https://evil.example.com", "Sec-Fetch-Site", "cross-site"}, upgrade...), 403},
		{"a scope that the key lacks", "GET", "/socket.io/admin", same, 403},
	} {
		before := len(g.Backend.Seen())
		res := g.Send(test.method, test.path, "", append([]string{"Cookie", "theme=dark; " + cookie + "; lang=en"}, test.headers...)...)
		if res.Status != test.want {
			t.Errorf("%s: %d, not %d", test.name, res.Status, test.want)
		}
		if test.want == 426 && res.Body != "" {
			t.Errorf("%s: %q", test.name, res.Body)
		}
		if seen := g.Backend.Seen(); len(seen) > before {
			if got := seen[len(seen)-1].Header["Cookie"]; len(got) != 1 || got[0] != "theme=dark; lang=en" {
				t.Errorf("%s: the backend got the cookies %q", test.name, got)
			}
		}
	}
	if res := g.Get("/socket.io/", "Cookie", cookie, "Sec-Fetch-Site", "same-origin", "X-API-KEY", otherKey); res.Status != 401 {
		t.Errorf("a wrong key beside a cookie: %d", res.Status)
	}
	if res := g.Get("/socket.io/", "Cookie", cookie+"; "+cookie, "Sec-Fetch-Site", "same-origin"); res.Status != 401 {
		t.Errorf("two cookies: %d", res.Status)
	}

	file.revoke("ada", "")
	awaitChange(t, g, events.KeyRevoked, "ada")
	if got := g.Get("/socket.io/", "Cookie", cookie, "Sec-Fetch-Site", "same-origin").Status; got != 401 {
		t.Errorf("the cookie of a revoked key: %d", got)
	}
	if _, value, _ := strings.Cut(cookie, "="); strings.Contains(g.Log(), value) {
		t.Error("the cookie stands in the log")
	}
}

// holdSocket has the backend hold the socket that a client opens, and tells when
// it has been closed. Other requests are answered plainly.
func holdSocket(g *gatetest.Gate) (gone <-chan bool) {
	closed := make(chan bool, 1)
	g.Backend.Handle(func(w http.ResponseWriter, r *http.Request) {
		if r.Header.Get("Upgrade") != "" && gatetest.HoldSocket(w) == nil {
			closed <- true
		}
	})
	return closed
}

func TestUpgradeByCookie(t *testing.T) {
	file := newKeyFile(t)
	ada := file.add(keys.Key{ID: "ada", Scopes: []string{"*"}})
	g := gatetest.Start(t, browserSite(file, ""))
	gone := holdSocket(g)
	// The first answer is one to the key, so the backend is to answer plainly.
	cookie := cookieOf(g.Send("POST", "/.gatehouse/ticket", "", "X-API-KEY", ada, "Sec-Fetch-Site", "same-origin"))
	if cookie == "" {
		t.Fatal("no cookie")
	}
	open := openSocket(t, g, "Cookie: "+cookie+"\r\nOrigin: http://"+g.Addr+"\r\nSec-Fetch-Site: same-origin\r\n")
	if !strings.Contains(open, "101") {
		t.Fatalf("the socket: %q", open)
	}
	file.revoke("ada", "")
	gatetest.Receive(t, "the end of the socket of a revoked key's cookie", gone)
}

func TestEndSession(t *testing.T) {
	file := newKeyFile(t)
	file.add(keys.Key{ID: "ada", Scopes: []string{"*"}})
	g := gatetest.Start(t, browserSite(file, ""))
	for _, test := range []struct {
		method  string
		headers []string
		want    int
	}{
		{"DELETE", nil, 204},
		{"DELETE", []string{"Sec-Fetch-Site", "same-origin"}, 204},
		{"DELETE", []string{"Sec-Fetch-Site", "same-site", "Origin", "https://app.example.com"}, 204},
		{"DELETE", []string{"Sec-Fetch-Site", "same-site"}, 403},
		{"DELETE", []string{"Sec-Fetch-Site", "cross-site", "Origin", "https://evil.example.com"}, 403},
		{"GET", nil, 405},
	} {
		res := g.Send(test.method, "/.gatehouse/session", "", test.headers...)
		ended := strings.Contains(strings.Join(res.Header["Set-Cookie"], ""), "=; Max-Age=0; Path=/; Secure")
		if res.Status != test.want || ended != (test.want == 204) {
			t.Errorf("%s %v: %d, %v", test.method, test.headers, res.Status, res.Header["Set-Cookie"])
		}
	}
	if res := g.Get("/.gatehouse/else"); res.Status != 404 {
		t.Errorf("another path of the gate's: %d", res.Status)
	}
	if len(g.Backend.Seen()) > 0 {
		t.Error("the backend saw a path of the gate's own")
	}
}

// TestEndedSession holds that a session that was ended is over for copies of its
// cookie and for its sockets too, also after a reload, and no other is.
func TestEndedSession(t *testing.T) {
	file := newKeyFile(t)
	ada := file.add(keys.Key{ID: "ada", Scopes: []string{"*"}})
	g := gatetest.Start(t, browserSite(file, "public /open"))
	gone := holdSocket(g)
	if res := g.Get("/open", "X-API-KEY", ada, "Sec-Fetch-Site", "same-origin"); res.Status != 200 || cookieOf(res) != "" {
		t.Errorf("a public path tells whether a key is good: %d %v", res.Status, res.Header)
	}
	cookies := map[string]string{}
	for _, name := range []string{"ended", "other"} {
		cookies[name] = cookieOf(g.Get("/api/agents", "X-API-KEY", ada, "Sec-Fetch-Site", "same-origin"))
	}
	good := func(name string) bool {
		return g.Get("/media/x.png", "Cookie", cookies[name], "Sec-Fetch-Site", "same-origin").Status == 200
	}
	openSocket(t, g, "Cookie: "+cookies["ended"]+"\r\nOrigin: http://"+g.Addr+"\r\n")
	if res := g.Send("DELETE", "/.gatehouse/session", "", "Cookie", cookies["ended"], "Sec-Fetch-Site", "same-site"); res.Status != 403 || !good("ended") {
		t.Errorf("a page of another origin ends a session: %d", res.Status)
	}
	if res := g.Send("DELETE", "/.gatehouse/session", "", "Cookie", cookies["ended"], "Sec-Fetch-Site", "same-origin"); res.Status != 204 {
		t.Fatalf("%d", res.Status)
	}
	if good("ended") || !good("other") {
		t.Errorf("the ended session is good: %v, the other: %v", good("ended"), good("other"))
	}
	gatetest.Receive(t, "the end of the socket of an ended session", gone)
	if err := g.Load(browserSite(file, "public /other")); err != nil {
		t.Fatal(err)
	}
	if good("ended") || !good("other") {
		t.Errorf("after a reload, the ended session is good: %v, the other: %v", good("ended"), good("other"))
	}
	if res := g.Get("/api/agents", "X-API-KEY", ada, "Sec-Fetch-Site", "same-origin", "Cookie", cookies["ended"]); cookieOf(res) == "" {
		t.Error("whoever shows the key again gets no new session")
	}
}

func TestKeyInQuery(t *testing.T) {
	g := start(t, `GATE {
		agent_auth {
			accept header X-API-KEY
			accept query api_key
			key ada {env.ADA_KEY}
			key bob `+bobKey+`
		}
		reverse_proxy BACKEND {
			transport agent_backend
		}
	}`)
	for _, test := range []struct {
		name, path string
		headers    []string
		want       int
		backend    string
	}{
		{"the key", "/x?a=1&api_key=" + adaKey + "&b", nil, 200, "GET /x?a=1&b"},
		{"alone", "/x?api_key=" + adaKey, nil, 200, "GET /x"},
		{"encoded", "/x?api%5Fkey=" + strings.NewReplacer("/", "%2F", "+", "%2B", "=", "%3D").Replace(bobKey), nil, 200, "GET /x"},
		{"wrong", "/x?api_key=" + otherKey, nil, 401, ""},
		{"wrong beside a right header", "/x?api_key=" + otherKey, []string{"X-API-KEY", adaKey}, 401, ""},
		{"two different", "/x?api_key=" + adaKey, []string{"X-API-KEY", bobKey}, 400, ""},
		{"empty", "/x?api_key=", []string{"X-API-KEY", adaKey}, 200, "GET /x"},
		{"another parameter", "/x?key=" + adaKey, nil, 401, ""},
	} {
		res := g.Get(test.path, test.headers...)
		if res.Status != test.want || test.want == 200 && res.Body != test.backend {
			t.Errorf("%s: %d %s", test.name, res.Status, res.Body)
		}
	}
	if cookie := cookieOf(g.Get("/x?api_key="+adaKey, "Sec-Fetch-Site", "same-origin")); cookie != "" {
		t.Error("a key in a URL earns a cookie")
	}
	if strings.Contains(g.Log(), adaKey) || strings.Contains(g.Log(), otherKey) {
		t.Error("a key stands in the log")
	}
}

func TestCookieOff(t *testing.T) {
	file := newKeyFile(t)
	ada := file.add(keys.Key{ID: "ada", Scopes: []string{"*"}})
	g := gatetest.Start(t, browserSite(file, ""))
	cookie := cookieOf(g.Get("/", "X-API-KEY", ada, "Sec-Fetch-Site", "same-origin"))
	if res := g.Get("/socket.io/", "Cookie", cookie, "Sec-Fetch-Site", "same-origin"); res.Status != 200 {
		t.Fatalf("with the cookie on: %d", res.Status)
	}
	if err := g.Load(browserSite(file, "cookie off")); err != nil {
		t.Fatal(err)
	}
	if res := g.Get("/socket.io/", "Cookie", cookie, "Sec-Fetch-Site", "same-origin"); res.Status != 401 {
		t.Errorf("a cookie of earlier times: %d", res.Status)
	}
	if cookieOf(g.Get("/", "X-API-KEY", ada, "Sec-Fetch-Site", "same-origin")) != "" {
		t.Error("a cookie is given")
	}
}

// openSocket opens a WebSocket and returns the status line; the connection
// stays open until the test ends.
func openSocket(t *testing.T, g *gatetest.Gate, headers string) string {
	t.Helper()
	conn, err := dial(t, g)
	if err != nil {
		t.Fatal(err)
	}
	fmt.Fprintf(conn, "GET /ws HTTP/1.1\r\nHost: %s\r\nConnection: Upgrade\r\nUpgrade: websocket\r\nSec-WebSocket-Version: 13\r\nSec-WebSocket-Key: dGhlIHNhbXBsZSBub25jZQ==\r\n%s\r\n", g.Addr, headers)
	line := make([]byte, 12)
	if _, err := io.ReadFull(conn, line); err != nil {
		t.Fatal(err)
	}
	return string(line)
}

// A key that stands in a URL, or that a page passes on in the Referer, is an
// event, also where it is not accepted, and one that is no longer valid.
func TestExposedKeys(t *testing.T) {
	file := newKeyFile(t)
	own := file.add(keys.Key{ID: "own", Scopes: []string{"*"}})
	gone := file.add(keys.Key{ID: "gone", Scopes: []string{"*"}})
	file.edit(func(d *keys.Document) error {
		if err := d.Import(keys.Key{ID: "imported", Scopes: []string{"*"}}, bobKey, keys.Edit{Now: time.Now()}); err != nil {
			return err
		}
		_, err := d.Revoke("gone", "", 0, keys.Edit{Now: time.Now()})
		return err
	})
	g := gatetest.Start(t, browserSite(file, "accept header X-API-KEY\naccept query api_key"))
	imported := strings.NewReplacer("/", "%2F", "+", "%2B", "=", "%3D").Replace(bobKey)
	for _, test := range []struct{ name, path, referer, key, place string }{
		{"a parameter", "/x?a=1&token=" + own, "", "own", "URL"},
		{"a parameter, encoded", "/x?token=" + imported, "", "imported", "URL"},
		{"a former key", "/x?token=" + gone, "", "gone", "URL"},
		{"the path", "/x/" + own + "/y", "", "own", "URL"},
		{"the referer", "/x", "https://app.example.com/?key=" + own, "own", "Referer"},
		{"the referer, where keys are accepted", "/x", "https://app.example.com/?api_key=" + own, "own", "Referer"},
		{"where keys are accepted", "/x?api_key=" + own, "", "", ""},
		{"nobody's key", "/x?token=agk_000000000000000000000000000000000000", "", "", ""},
		{"too many to try", "/x?" + strings.Repeat("a=0123456789abcdef&", 8) + "a=" + own, "", "", ""},
	} {
		before := len(g.Events())
		g.Get(test.path, "Referer", test.referer)
		var id, place any
		for _, event := range g.Events()[before:] {
			if event["event"] == "authn_token_exposed" {
				id, place = event["key_id"], event["rule"]
			}
		}
		if id == nil {
			id, place = "", ""
		}
		if id != test.key || place != test.place {
			t.Errorf("%s: the event is of the key %v in the %v", test.name, id, place)
		}
	}
	for _, secret := range []string{own, gone, bobKey, imported} {
		if strings.Contains(g.Log(), secret) {
			t.Error("a key stands in the log")
		}
	}
}
