package auth

import (
	"encoding/json"
	"net/http"
	"strconv"
	"time"

	"github.com/gatehouse-dev/caddy-gatehouse/gate"
)

// The gate's own paths, which no backend ever sees.
const (
	ownFolder   = "/.gatehouse"
	sessionPath = ownFolder + "/session"
	ticketPath  = ownFolder + "/ticket"
)

// serveOwn answers a request for one of the gate's own paths.
func (a *Auth) serveOwn(w http.ResponseWriter, r *http.Request, req *gate.Request, shown shown) error {
	switch r.URL.Path {
	case sessionPath:
		if r.Method != http.MethodDelete {
			return wrongMethod(http.MethodDelete)
		}
		return a.endSession(w, r, req)
	case ticketPath:
		if r.Method != http.MethodPost {
			return wrongMethod(http.MethodPost)
		}
		return a.giveTicket(w, r, req, shown)
	}
	return &gate.Refusal{Status: http.StatusNotFound, Code: "NOT_FOUND", Message: "Not found"}
}

func wrongMethod(allowed string) *gate.Refusal {
	return &gate.Refusal{
		Status: http.StatusMethodNotAllowed, Code: "METHOD_NOT_ALLOWED", Message: "Method not allowed",
		Allow: allowed,
	}
}

// endSession ends the session and takes the cookie away. No key is needed for it; a page of another
// origin, which has no business with the cookie, may not.
func (a *Auth) endSession(w http.ResponseWriter, r *http.Request, req *gate.Request) error {
	asked := len(r.Header["Origin"]) > 0 || fetchSite(r) != ""
	if asked && !vouched(r, req, forNothing) {
		return gate.Forbidden("cross-origin", "a page of another origin asked to end the session")
	}
	a.endCookie(a.rings(), takeCookie(r, a.cookie))
	setCookie(w.Header(), a.cookie, "", 0)
	w.Header().Set("Cache-Control", "no-store")
	w.WriteHeader(http.StatusNoContent)
	return nil
}

// giveTicket gives whoever shows a key in a header a ticket for it.
func (a *Auth) giveTicket(w http.ResponseWriter, r *http.Request, req *gate.Request, shown shown) error {
	caller, refusal := a.identify(shown, req)
	if refusal == nil && caller.Anonymous() {
		refusal = gate.Unauthorized(false, "no key was presented, and a ticket stands for one")
	}
	if refusal != nil {
		return a.refuse(req, shown, refusal)
	}
	req.Principal = caller.Principal
	if refusal := a.ticketRate(req, caller.KeyID); refusal != nil {
		return refusal
	}
	ticket := a.newTicket(shown.use, a.now())
	if ticket == "" {
		return &gate.Refusal{Status: http.StatusServiceUnavailable, Code: "TICKETS_UNAVAILABLE", Message: "Tickets are unavailable"}
	}
	a.grant(w, r, req, shown, takeCookie(r, a.cookie))
	body, err := json.Marshal(map[string]any{
		"success": true,
		"data":    map[string]any{"ticket": ticket, "expires_in": int(ticketLife / time.Second)},
	})
	if err != nil {
		return err
	}
	h := w.Header()
	h.Set("Cache-Control", "no-store")
	h.Set("Content-Type", "application/json; charset=utf-8")
	h.Set("Content-Length", strconv.Itoa(len(body)))
	_, err = w.Write(body)
	return err
}
