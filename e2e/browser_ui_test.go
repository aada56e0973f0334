package e2e_test

import (
	"fmt"
	"os"
	"path/filepath"
	"regexp"
	"strings"
	"testing"

	"github.com/gatehouse-dev/caddy-gatehouse/e2e/house"
)

// uiGate is the gate with the web UI on.
func uiGate(t *testing.T, e *house.ElizaOS, headers string) string {
	t.Helper()
	g := house.StartGate(t, house.GateConfig{
		Sites: fmt.Sprintf(`agents.test {
	tls internal
	gatehouse elizaos 127.0.0.1:%d {
		ui on
		%s
	}
}`, e.Port, headers),
		Env: []string{"ELIZA_SERVER_AUTH_TOKEN=" + e.Token, "ELIZA_API_KEY=" + clientKey},
	})
	g.AwaitCertificate(t, "agents.test", g.LocalCA())
	return fmt.Sprintf("https://agents.test:%d", g.Config.HTTPSPort)
}

// The web UI of ElizaOS works under the preset's policy: it loads, takes the
// key, lists the agent, sends a message and shows the reply, and the browser
// finds nothing in it that the policy forbids.
func TestWebUIUnderThePolicy(t *testing.T) {
	e := house.SharedElizaOS(t)
	url := uiGate(t, e, "")
	page := house.StartBrowser(t, "--ignore-certificate-errors").Open(t, url)
	shot := func(name string) {
		if dir := os.Getenv("GATEHOUSE_E2E_SCREENSHOTS"); dir != "" {
			page.Screenshot(t, filepath.Join(dir, name+".png"))
		}
	}
	await := func(what, condition string) {
		t.Helper()
		var there bool
		page.Eval(t, `for (let i = 0; i < 900; i++) {
			if (`+condition+`) return true;
			await new Promise(r => setTimeout(r, 100));
		}
		return false`, &there)
		if !there {
			shot("failed")
			var text string
			page.Eval(t, `return document.body.innerText`, &text)
			t.Fatalf("%s: not there; the page shows\n%s\nconsole:\n%s", what, text, strings.Join(page.Console(), "\n"))
		}
	}
	shot("1-no-key")
	var answers []int
	page.Eval(t, `const all = [];
		for (let i = 0; i < 30; i++) all.push((await fetch('/api/agents')).status);
		return all`, &answers)
	for i, status := range answers {
		if status != 401 { // whoever shows no key makes no attempt
			t.Fatalf("request %d without a key: %d", i+1, status)
		}
	}
	page.Eval(t, `localStorage.setItem('eliza-api-key-' + location.origin, '`+clientKey+`'); localStorage.setItem('eliza-onboarding-completed', 'true')`, nil)
	page.Navigate(t, url+"/?again")
	await("the agent", `document.body.innerText.includes('Doorkeeper')`)
	shot("2-agents")
	page.Navigate(t, url+"/chat/"+e.AgentID)
	await("the chat", `document.querySelector('textarea') && !document.querySelector('textarea').disabled`)
	page.Eval(t, `const box = document.querySelector('textarea');
		Object.getOwnPropertyDescriptor(HTMLTextAreaElement.prototype, 'value').set.call(box, 'Who goes there?');
		box.dispatchEvent(new Event('input', {bubbles: true}));
		for (let i = 0; i < 100 && box.value; i++) { // it is sent once the page has taken the text
			await new Promise(r => setTimeout(r, 300));
			box.dispatchEvent(new KeyboardEvent('keydown', {key: 'Enter', bubbles: true}));
		}`, nil)
	await("the message", `document.body.innerText.includes('Who goes there?')`)
	shot("3-sent")
	await("the reply", `document.body.innerText.includes('piece 12 of 12 from the model')`)
	shot("4-reply")
	for _, line := range page.Console() {
		if regexp.MustCompile(`(?i)content.security.policy|permissions.policy|\[exception\]`).MatchString(line) {
			t.Errorf("the browser says: %s", line)
		}
	}
}

// The UI's policy has 'unsafe-eval' because ElizaOS' own logger makes functions
// of text when it is loaded, before anything is drawn, and has no other way:
// without it there is no UI. Should this test fail because there is one, then
// the preset's policy can do without.
func TestWebUINeedsEval(t *testing.T) {
	e := house.SharedElizaOS(t)
	url := uiGate(t, e, `headers {
			for @gh_pages web {
				csp script-src 'self'
			}
		}`)
	browser := house.StartBrowser(t, "--ignore-certificate-errors")
	page := browser.Open(t, url)
	browser.Retry(t, func() error {
		if console := strings.Join(page.Console(), "\n"); !strings.Contains(console, "fast-redact") {
			return fmt.Errorf("the logger has not failed; console:\n%s", console)
		}
		return nil
	})
	var drawn bool
	page.Eval(t, `for (let i = 0; i < 30; i++) {
		if (document.body.innerText.trim() !== '') return true;
		await new Promise(r => setTimeout(r, 100));
	}
	return false`, &drawn)
	console := strings.Join(page.Console(), "\n")
	t.Logf("drawn: %t; console:\n%s", drawn, console)
	if drawn {
		t.Error("the UI works without 'unsafe-eval'")
	}
}
