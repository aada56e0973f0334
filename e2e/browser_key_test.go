package e2e_test

import (
	"fmt"
	"strings"
	"testing"

	"github.com/gatehouse-dev/caddy-gatehouse/e2e/house"
)

// askForKey opens the web UI in a new profile and enters a key where the UI
// asks for one. It asks only there: nothing in ElizaOS 1.7.2's client opens its
// dialog but this button, whatever a server answers.
func askForKey(t *testing.T, url, key string) {
	t.Helper()
	page := house.StartBrowser(t, "--ignore-certificate-errors").Open(t, url+"/")
	var statuses []int
	page.Eval(t, `const all = [];
		for (let i = 0; i < 30; i++) all.push((await fetch('/api/agents')).status);
		return all`, &statuses)
	for i, status := range statuses {
		if status != 401 {
			t.Fatalf("request %d without a key: %d", i+1, status)
		}
	}
	var asked bool
	page.Eval(t, `await new Promise(r => setTimeout(r, 1000));
		return document.querySelector('#api-key') !== null`, &asked)
	if asked {
		t.Error("the UI asks for a key by itself: docs/elizaos.md says that it does not")
	}
	page.Navigate(t, url+"/settings/")
	page.Eval(t, `const until = async (what) => {
			for (let i = 0; i < 900; i++) {
				const found = what();
				if (found) return found;
				await new Promise(r => setTimeout(r, 100));
			}
			throw new Error('not there: ' + what + '; the page shows ' + document.body.innerText);
		};
		(await until(() => document.querySelector('button[aria-label="Manage API Key"]'))).click();
		const field = await until(() => document.querySelector('#api-key'));
		Object.getOwnPropertyDescriptor(HTMLInputElement.prototype, 'value').set.call(field, '`+key+`');
		field.dispatchEvent(new Event('input', {bubbles: true}));
		(await until(() => [...document.querySelectorAll('button')].find(b => b.innerText.trim() === 'Save Key' && !b.disabled))).click();
		await until(() => localStorage.getItem('eliza-api-key-' + location.origin) === '`+key+`');`, nil)
	page.Navigate(t, url+"/?with-a-key")
	var there bool
	page.Eval(t, `for (let i = 0; i < 900; i++) {
			if (document.body.innerText.includes('Doorkeeper')) return true;
			await new Promise(r => setTimeout(r, 100));
		}
		return false`, &there)
	if !there {
		t.Errorf("no agent is shown; console:\n%s", strings.Join(page.Console(), "\n"))
	}
}

// From an empty profile, the real web UI sees 401 and no other refusal, takes
// the key where it asks for one, and then shows the agents. The same bare.
func TestWebUIAsksForAKey(t *testing.T) {
	e := house.SharedElizaOS(t)
	for name, place := range map[string]struct{ url, key string }{
		"through the gate": {uiGate(t, e, ""), clientKey},
		"bare":             {fmt.Sprintf("http://localhost:%d", e.Port), e.Token},
	} {
		t.Run(name, func(t *testing.T) { askForKey(t, place.url, place.key) })
	}
}
