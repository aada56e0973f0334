package auth

import (
	"net/http"

	"github.com/gatehouse-dev/caddy-gatehouse/auth/keys"
	"github.com/gatehouse-dev/caddy-gatehouse/gate"
)

// socketJudge judges the events of one caller's socket.
type socketJudge struct {
	rings  func() rings
	table  gate.RouteTable
	caller *principal
	made   *made
	wanted string // the agent of X-Agent-ID
	// granted is the scope that a public route gives to everybody.
	granted string
}

// judgeSocket has the transport ask about each event, if the request leads to
// a socket.
func (a *Auth) judgeSocket(r *http.Request, req *gate.Request, caller *principal, open bool) {
	route := req.RouteIn(a.table, r)
	if !route.Reach.Socket {
		return
	}
	judge := &socketJudge{rings: a.rings, table: a.table, caller: caller, made: a.made}
	judge.wanted, _ = wantedAgent(r) // two of them were refused, but on a public route, where it narrows nothing
	if open {
		judge.granted = route.Scope
	}
	req.Socket = judge
}

// Event returns nil if the caller may send an event.
func (j *socketJudge) Event(name string, args []byte) error {
	scope := j.table.Event(name)
	if !j.caller.Has(scope) && (j.granted == "" || scope != j.granted) {
		refusal := gate.Forbidden("socket scope "+scope, "an event on the socket needs the scope "+scope)
		refusal.Message = "This event needs the scope " + scope
		return refusal
	}
	if !j.caller.Limited() && j.wanted == "" {
		return nil
	}
	c := &reach{
		table: j.table, route: &gate.Route{Reach: gate.Reach{Told: true}},
		caller: j.caller.Principal, owner: j.caller.owner, made: j.made, wanted: j.wanted,
	}
	if err := c.named.inJSON(j.table, args, nil); err != nil {
		return outOfReach(c.caller, "an event on the socket cannot be read for the channels that it names")
	}
	if c.caller.Limited() && len(c.named.things) == 0 {
		return outOfReach(c.caller, "an event on the socket names none of the key's channels")
	}
	return c.check()
}

// Key reports whether a text is a key, or was one: clients of ElizaOS put theirs
// into the packet that opens a socket.
func (j *socketJudge) Key(text string) bool {
	text = trimSpace(text)
	if token, ok := bearerToken(text); ok {
		text = token
	}
	return len(text) >= keys.MinSecretLength && j.rings().know(text)
}

// JudgesSockets reports whether what clients say on sockets is judged.
func (a *Auth) JudgesSockets() bool { return a.table != nil }

var (
	_ gate.SocketGuard = (*Auth)(nil)
	_ gate.SocketJudge = (*socketJudge)(nil)
)
