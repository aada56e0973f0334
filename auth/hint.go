package auth

import (
	"net/http"
	"net/url"

	"github.com/gatehouse-dev/caddy-gatehouse/events"
	"github.com/gatehouse-dev/caddy-gatehouse/gate"
)

// hint has the event of a request without a key say which line would open it,
// where a key is all that is asked: such paths are often a plugin's webhooks.
func (a *Auth) hint(r *http.Request, refusal *gate.Refusal) {
	if refusal.Status != http.StatusUnauthorized || refusal.Challenge != "" {
		return // a key was presented
	}
	for _, i := range a.requireIndex.Near(r, nil) {
		if needed, err := a.Require[i].match.Match(r); needed || err != nil {
			return
		}
	}
	path := events.Text(events.Redact((&url.URL{Path: r.URL.Path}).EscapedPath()), 256)
	refusal.Event.Reason += ": to open this path to everybody, write `public " + path + "` in agent_auth"
}
