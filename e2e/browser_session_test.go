package e2e_test

import (
	"bytes"
	"encoding/base64"
	"encoding/json"
	"fmt"
	"mime/multipart"
	"net/http"
	"net/textproto"
	"testing"

	"github.com/gatehouse-dev/caddy-gatehouse/e2e/house"
)

// TestPagesWithoutHeaders lets pages of the gate's own origin, of its site and
// of another site open sockets and show images in a real browser, where they
// can set no header: with a cookie or a ticket, and without.
func TestPagesWithoutHeaders(t *testing.T) {
	e := house.SharedElizaOS(t)
	config := house.GateConfig{
		HTTPSPort: house.Port(t),
		Env:       []string{"ELIZA_SERVER_AUTH_TOKEN=" + e.Token, "ELIZA_API_KEY=" + clientKey},
	}
	at := func(host string) string { return fmt.Sprintf("https://%s:%d", host, config.HTTPSPort) }
	page := `respond "<!doctype html><title>a page</title>" {
			close
		}
		header Content-Type text/html`
	config.Env = append(config.Env, "CORS_ORIGIN="+at("app.agents.test")+","+at("partner.test"))
	config.Sites = fmt.Sprintf(`agents.test {
	tls internal
	handle /page {
		%s
	}
	gatehouse elizaos 127.0.0.1:%d
}
app.agents.test stranger.agents.test partner.test {
	tls internal
	%s
}`, page, e.Port, page)
	g := house.StartGate(t, config)
	for _, host := range []string{"agents.test", "app.agents.test", "stranger.agents.test", "partner.test"} {
		g.AwaitCertificate(t, host, g.LocalCA())
	}
	gate := at("agents.test")
	image := gate + uploadImage(t, g, gate, e.AgentID)
	browser := house.StartBrowser(t, "--ignore-certificate-errors")

	attempts := map[string]string{
		"socket":  `(query = '') => new Promise(done => { const s = new WebSocket('` + "wss" + gate[len("https"):] + `/socket.io/?EIO=4&transport=websocket' + query); s.onopen = () => { s.close(); done('open') }; s.onerror = () => done('closed') })`,
		"polling": `(query = '') => fetch('` + gate + `/socket.io/?EIO=4&transport=polling' + query, {credentials: 'include'}).then(r => String(r.status), () => 'blocked')`,
		"image":   `(query = '', cors = false) => new Promise(done => { const i = new Image(); if (cors) i.crossOrigin = 'anonymous'; i.onload = () => done('shown'); i.onerror = () => done('broken'); i.src = '` + image + `?' + Math.random() + query })`,
		"api":     `() => fetch('` + gate + `/api/agents', {credentials: 'include'}).then(r => String(r.status), () => 'blocked')`,
		"key":     `() => fetch('` + gate + `/api/server/ping', {credentials: 'include', headers: {'X-API-KEY': '` + clientKey + `'}}).then(r => String(r.status), () => 'blocked')`,
		"end":     `() => fetch('` + gate + `/.gatehouse/session', {method: 'DELETE', credentials: 'include'}).then(r => String(r.status), () => 'blocked')`,
		"ticket":  `() => fetch('` + gate + `/.gatehouse/ticket', {method: 'POST', headers: {'X-API-KEY': '` + clientKey + `'}}).then(async r => '&ticket=' + (await r.json()).data.ticket, () => 'blocked')`,
	}
	try := func(p *house.Page, name, args string) (got string) {
		t.Helper()
		p.Eval(t, `return await (`+attempts[name]+`)(`+args+`)`, &got)
		return got
	}
	expect := func(where string, p *house.Page, want map[string]string) {
		t.Helper()
		for _, name := range []string{"socket", "polling", "image", "api"} {
			got := try(p, name, "")
			t.Logf("%-60s %-8s %s", where, name, got)
			if got != want[name] {
				t.Errorf("%s: the %s is %s, not %s", where, name, got, want[name])
			}
		}
	}
	nothing := map[string]string{"socket": "closed", "polling": "401", "image": "broken", "api": "401"}
	all := map[string]string{"socket": "open", "polling": "200", "image": "shown", "api": "401"}
	foreign := map[string]string{"socket": "closed", "polling": "blocked", "image": "broken", "api": "blocked"}

	own := browser.Open(t, gate+"/page")
	expect("the same origin, before it has shown its key", own, nothing)
	if got := try(own, "key", ""); got != "200" {
		t.Fatalf("the key: %s", got)
	}
	expect("the same origin", own, all)
	var name string
	own.Eval(t, `await new Promise((done, fail) => { const s = document.createElement('script'); s.src = '/socket.io/socket.io.js'; s.onload = done; s.onerror = fail; document.head.append(s) });
		const socket = io({auth: {entityId: '5f0f6a2e-0000-4000-8000-000000000001'}});
		return await new Promise(done => { socket.on('connect_error', e => done(String(e))); socket.io.engine.on('upgrade', t => { done(t.name); socket.close() }) })`, &name)
	if name != "websocket" {
		t.Errorf("Socket.IO's own client has not upgraded: %s", name)
	}

	// The same browser, with the cookie, on other pages.
	own.Navigate(t, at("app.agents.test")+"/page")
	expect("an allowed page of the same site", own, all)
	own.Navigate(t, at("stranger.agents.test")+"/page")
	expect("another page of the same site", own, map[string]string{"socket": "closed", "polling": "blocked", "image": "shown", "api": "blocked"})
	own.Navigate(t, at("partner.test")+"/page")
	expect("an allowed page of another site", own, nothing)
	own.Navigate(t, gate+"/page")
	if got := try(own, "end", ""); got != "204" {
		t.Errorf("ending the session: %s", got)
	}
	expect("the same origin, after the session", own, nothing)

	// Browsers of their own, without the cookie.
	site := browser.Open(t, at("app.agents.test")+"/page")
	expect("an allowed page of the same site, before it has shown its key", site, nothing)
	if got := try(site, "key", ""); got != "200" {
		t.Fatalf("the key: %s", got)
	}
	expect("an allowed page of the same site that has shown its key", site, all)

	stranger := browser.Open(t, at("stranger.agents.test")+"/page")
	if got := try(stranger, "key", ""); got != "blocked" {
		t.Errorf("the key of a page that is not allowed: %s", got)
	}
	expect("another page of the same site that has shown its key", stranger, foreign)

	partner := browser.Open(t, at("partner.test")+"/page")
	if got := try(partner, "key", ""); got != "200" {
		t.Fatalf("the key: %s", got)
	}
	expect("an allowed page of another site that has shown its key", partner, nothing)
	for name, want := range map[string]string{"socket": "open", "polling": "200", "image": "shown"} {
		ticket := try(partner, "ticket", "")
		quoted, _ := json.Marshal(ticket)
		args := string(quoted)
		if name == "image" {
			args += ", true" // a page of another site may show it by CORS alone
		}
		if got := try(partner, name, args); got != want {
			t.Errorf("an allowed page of another site, with a ticket: the %s is %s", name, got)
		}
		if got := try(partner, name, args); got == want {
			t.Errorf("the ticket for the %s is good twice", name)
		}
	}
}

// uploadImage uploads an image of one pixel and returns its path.
func uploadImage(t *testing.T, g *house.Gate, gate, agent string) string {
	t.Helper()
	pixel, err := base64.StdEncoding.DecodeString("iVBORw0KGgoAAAANSUhEUgAAAAEAAAABCAYAAAAfFcSJAAAADUlEQVR42mNkYPhfDwAChwGA60e6kgAAAABJRU5ErkJggg==")
	if err != nil {
		t.Fatal(err)
	}
	var body bytes.Buffer
	form := multipart.NewWriter(&body)
	part, err := form.CreatePart(textproto.MIMEHeader{
		"Content-Disposition": {`form-data; name="file"; filename="pixel.png"`},
		"Content-Type":        {"image/png"},
	})
	if err != nil {
		t.Fatal(err)
	}
	_, _ = part.Write(pixel)
	_ = form.Close()
	request, err := http.NewRequestWithContext(t.Context(), http.MethodPost, gate+"/api/media/agents/"+agent+"/upload-media", &body)
	if err != nil {
		t.Fatal(err)
	}
	request.Header.Set("Content-Type", form.FormDataContentType())
	request.Header.Set("X-API-KEY", clientKey)
	response, err := house.Client(t, g.LocalCA()).Do(request)
	if err != nil {
		t.Fatal(err)
	}
	defer response.Body.Close()
	var answer struct{ Data struct{ URL string } }
	if err := json.NewDecoder(response.Body).Decode(&answer); err != nil || answer.Data.URL == "" {
		t.Fatalf("the upload: %d, %v", response.StatusCode, err)
	}
	return answer.Data.URL
}
