package e2e_test

import (
	"fmt"
	"net"
	"net/http"
	"strings"
	"testing"

	"github.com/gatehouse-dev/caddy-gatehouse/e2e/house"
)

// pages serves an empty page under any host name, with socket.io-client beside
// it, and returns its port. The browser takes localhost for as safe as https, so its pages may call the gate.
func pages(t *testing.T) string {
	t.Helper()
	l, err := net.Listen("tcp", "127.0.0.1:0")
	if err != nil {
		t.Fatal(err)
	}
	client := house.SocketIOClient(t)
	server := &http.Server{Handler: http.HandlerFunc(func(w http.ResponseWriter, r *http.Request) {
		if r.URL.Path == "/socket.io.js" {
			w.Header().Set("Content-Type", "text/javascript")
			_, _ = w.Write(client)
			return
		}
		w.Header().Set("Content-Type", "text/html")
		fmt.Fprint(w, "<!doctype html><title>a page</title>")
	})}
	go server.Serve(l)
	t.Cleanup(func() { server.Close() })
	_, port, _ := net.SplitHostPort(l.Addr().String())
	return port
}

// attempt is something that a page tries, as JavaScript that returns what the
// page learned, and what it has to learn on the allowed origin. A page of
// another origin may learn nothing, but for what foreign says.
type attempt struct{ name, script, allowed, foreign string }

// failed is what a fetch that the browser blocks looks like to the page.
const failed = "TypeError: Failed to fetch"

func attempts(gate, key string) []attempt {
	call := func(path, options, learn string) string {
		return fmt.Sprintf(`const r = await fetch('%s%s', %s); return %s`, gate, path, options, learn)
	}
	withKey := func(method, more string) string {
		return fmt.Sprintf(`{method: '%s', headers: {'X-API-KEY': '%s'%s}}`, method, key, more)
	}
	list := []attempt{
		{"GET without a key", call("/api/agents", `{}`, `r.status + ' ' + await r.text()`),
			`401 {"success":false,"error":"Authentication required"}`, failed},
		{"GET with a wrong key", call("/api/agents", `{headers: {'X-API-KEY': 'wrong-key-0123456789-0123456789'}}`, `r.status`), "401", failed},
		{"GET with a key", call("/api/agents", withKey("GET", ""), `r.status + ' ' + (await r.json()).data.agents[0].name`), "200 Doorkeeper", failed},
		{"GET with credentials", call("/api/agents", `{credentials: 'include', headers: {'X-API-KEY': '`+key+`'}}`, `r.status`), "200", failed},
		{"custom headers", call("/api/agents", withKey("GET", `, 'X-Entity-Id': '5f0f6a2e-0000-4000-8000-000000000001', 'X-Agent-ID': 'a9e7c0de-0000-4000-8000-000000000001'`), `r.status`), "200", failed},
		{"bearer", call("/api/server/ping", `{headers: {'Authorization': 'Bearer `+key+`'}}`, `r.status`), "200", failed},
		{"a header that is not allowed", call("/api/server/ping", withKey("GET", `, 'X-Evil': '1'`), `r.status`), failed, failed},
		{"a method that is not allowed", call("/api/server/ping", withKey("PURGE", ""), `r.status`), failed, failed},
		{"403", call("/api/server/stop", `{method: 'POST', headers: {'X-API-KEY': '`+readerKey+`'}}`, `r.status + ' ' + await r.text()`),
			`403 {"success":false,"error":"Insufficient permissions"}`, failed},
		{"404 of the backend", call("/api/nothing", withKey("GET", ""), `r.status`), "404", failed},
		{"request id", call("/api/server/ping", withKey("GET", ""), `/^[0-9a-f-]{36}$/.test(r.headers.get('X-Request-Id'))`), "true", failed},
		{"a header that is not exposed", call("/api/server/ping", withKey("GET", ""), `r.headers.get('X-Frame-Options')`), "null", failed},
		{"no-cors", call("/api/server/ping", `{mode: 'no-cors'}`, `r.type + ' ' + r.status`), failed, failed},
		{"WebSocket", socket(gate), "closed", "closed"},
		{"Socket.IO by polling", call("/socket.io/?EIO=4&transport=polling", withKey("GET", ""), `r.status + ' ' + (await r.text()).slice(0, 6)`), `200 0{"sid`, failed},
		{"socket.io-client by polling", socketIO(gate, `{transports: ['polling'], extraHeaders: {'X-API-KEY': '`+key+`'}}`), "connected by polling, joined", "xhr poll error"},
		{"socket.io-client, wrong key", socketIO(gate, `{transports: ['polling'], extraHeaders: {'X-API-KEY': 'wrong-key-0123456789-0123456789'}}`), "xhr poll error", "xhr poll error"},
		{"server-sent events", call("/api/messaging/sessions", `{method: 'POST', headers: {'X-API-KEY': '`+key+`', 'Content-Type': 'application/json'},
			body: JSON.stringify({agentId: 'a9e7c0de-0000-4000-8000-000000000001', userId: '5f0f6a2e-0000-4000-8000-000000000001'})}`,
			`await (async () => {
				const s = await r.json();
				const m = await fetch('`+gate+`/api/messaging/sessions/' + s.sessionId + '/messages', {method: 'POST',
					headers: {'X-API-KEY': '`+key+`', 'Content-Type': 'application/json'}, body: JSON.stringify({content: 'hello', transport: 'sse'})});
				return m.status + ' ' + m.headers.get('Content-Type').split(';')[0] + ' ' + (await m.text()).split('event: chunk').length;
			})()`), "200 text/event-stream 13", failed},
	}
	for _, method := range []string{"HEAD", "POST", "PUT", "PATCH", "DELETE"} {
		list = append(list, attempt{method, call("/api/nothing", withKey(method, ""), `r.status > 0`), "true", failed})
	}
	return list
}

// socket opens a WebSocket without a key, which the gate refuses for want of
// one; TestSocketsOfOtherOrigins tells whose page may open one.
func socket(gate string) string {
	return `return await new Promise(done => {
		const s = new WebSocket('` + strings.Replace(gate, "https:", "wss:", 1) + `/socket.io/?EIO=4&transport=websocket');
		s.onopen = () => done('open'); s.onclose = () => done('closed'); })`
}

// socketIO has the page connect by socket.io-client and join a channel, which
// the server answers.
func socketIO(gate, options string) string {
	return `if (!window.io) await new Promise((ok, no) => {
			const s = document.createElement('script');
			s.src = '/socket.io.js'; s.onload = ok; s.onerror = no;
			document.head.append(s);
		});
		const options = ` + options + `;
		const socket = io('` + gate + `', {...options, reconnection: false, forceNew: true, timeout: 20000, auth: {entityId: '5f0f6a2e-0000-4000-8000-000000000001'}});
		// Where two transports are named, it upgrades from the first to the second,
		// which may be before it is connected.
		const upgraded = options.transports.length > 1 && new Promise(ok => socket.io.engine.once('upgrade', ok));
		try {
			return await new Promise(done => {
				socket.on('connect_error', e => done(e.message));
				socket.on('channel_joined', () => done('connected by ' + socket.io.engine.transport.name + ', joined'));
				const join = () => socket.emit('message', {type: 1, payload: {channelId: '5f0f6a2e-0000-4000-8000-000000000002', entityId: '5f0f6a2e-0000-4000-8000-000000000001'}});
				socket.on('connect', async () => { await upgraded; join(); });
				setTimeout(() => done('no answer in a minute by ' + socket.io.engine.transport.name), 60000);
			});
		} finally { socket.close(); }`
}

const readerKey = "the-key-of-a-reader-0123456789abcdef"

// TestPagesOfOtherOrigins lets pages of an allowed and of a foreign origin call
// the gate from a real browser.
func TestPagesOfOtherOrigins(t *testing.T) {
	e := house.SharedElizaOS(t)
	port := pages(t)
	allowed, foreign := "http://localhost:"+port, "http://evil.localhost:"+port
	g := house.StartGate(t, house.GateConfig{
		Sites: fmt.Sprintf(`agents.test {
	tls internal
	gatehouse elizaos 127.0.0.1:%d {
		auth {
			key reader {env.READER_KEY} {
				scopes read
			}
		}
	}
}`, e.Port),
		Env: []string{"ELIZA_SERVER_AUTH_TOKEN=" + e.Token, "ELIZA_API_KEY=" + clientKey, "READER_KEY=" + readerKey, "CORS_ORIGIN=" + allowed},
	})
	g.AwaitCertificate(t, "agents.test", g.LocalCA())
	gate := fmt.Sprintf("https://agents.test:%d", g.Config.HTTPSPort)
	browser := house.StartBrowser(t, "--ignore-certificate-errors")
	ours, theirs := browser.Open(t, allowed), browser.Open(t, foreign)
	learn := func(page *house.Page, script string) string {
		var learned string
		page.Eval(t, `try { return String(await (async () => {`+script+`})()) } catch (e) { return String(e) }`, &learned)
		return learned
	}
	for _, a := range attempts(gate, clientKey) {
		if got := learn(ours, a.script); got != a.allowed {
			t.Errorf("%s: a page of the allowed origin learned %q, not %q", a.name, got, a.allowed)
		} else {
			t.Logf("%-30s allowed origin: %-60s", a.name, got)
		}
		if got := learn(theirs, a.script); got != a.foreign {
			t.Errorf("%s: a page of another origin learned %q, not %q", a.name, got, a.foreign)
		} else {
			t.Logf("%-30s foreign origin: %-60s", "", got)
		}
	}
}

// TestSocketsOfOtherOrigins opens sockets that need no key: what is refused is
// refused for the page's origin. (Pages of the gate's own origin: see
// TestWebUIUnderThePolicy.) It also lets the allowed page run into a limit.
func TestSocketsOfOtherOrigins(t *testing.T) {
	e := house.SharedElizaOS(t)
	port := pages(t)
	allowed, foreign := "http://localhost:"+port, "http://evil.localhost:"+port
	g := house.StartGate(t, house.GateConfig{
		Sites: fmt.Sprintf(`agents.test {
	tls internal
	gatehouse elizaos 127.0.0.1:%d {
		auth {
			public /socket.io/*
		}
		rate_limit {
			tier api {
				limit 1 15m
			}
		}
	}
}`, e.Port),
		Env: []string{"ELIZA_SERVER_AUTH_TOKEN=" + e.Token, "ELIZA_API_KEY=" + clientKey, "CORS_ORIGIN=" + allowed},
	})
	g.AwaitCertificate(t, "agents.test", g.LocalCA())
	gate := fmt.Sprintf("https://agents.test:%d", g.Config.HTTPSPort)
	browser := house.StartBrowser(t, "--ignore-certificate-errors")
	ours, theirs := browser.Open(t, allowed), browser.Open(t, foreign)
	for want, page := range map[string]*house.Page{"open": ours, "closed": theirs} {
		var got string
		page.Eval(t, socket(gate), &got)
		if got != want {
			t.Errorf("a socket that has to be %s is %s", want, got)
		}
	}
	for _, ways := range []struct{ transports, allowed, foreign string }{
		{`['websocket']`, "connected by websocket, joined", "websocket error"},
		{`['polling']`, "connected by polling, joined", "xhr poll error"},
		{`['polling', 'websocket']`, "connected by websocket, joined", "xhr poll error"},
	} {
		for want, page := range map[string]*house.Page{ways.allowed: ours, ways.foreign: theirs} {
			var got string
			page.Eval(t, socketIO(gate, "{transports: "+ways.transports+"}"), &got)
			if got != want {
				t.Errorf("socket.io-client by %s: the page learned %q, not %q", ways.transports, got, want)
			}
			t.Logf("socket.io-client by %-24s %s", ways.transports, got)
		}
	}
	g.WaitFor(t, `"event":"malicious_cors"`)
	var limited struct {
		Status int
		Body   string
		Fields map[string]string
	}
	ours.Eval(t, `const ping = () => fetch('`+gate+`/api/server/ping', {headers: {'X-API-KEY': '`+clientKey+`'}});
		await ping();
		const r = await ping();
		return {status: r.status, body: await r.text(), fields: Object.fromEntries(r.headers)}`, &limited)
	if limited.Status != http.StatusTooManyRequests || !strings.Contains(limited.Body, "RATE_LIMIT_EXCEEDED") {
		t.Errorf("the page learned %d %s", limited.Status, limited.Body)
	}
	for _, name := range []string{"retry-after", "ratelimit-limit", "ratelimit-remaining", "ratelimit-reset", "ratelimit-policy", "x-request-id"} {
		if limited.Fields[name] == "" {
			t.Errorf("the page cannot read %s: %v", name, limited.Fields)
		}
	}
	t.Logf("a page of the allowed origin reads %d %s with %v", limited.Status, limited.Body, limited.Fields)
}
