package gate

import (
	"net/http"

	"github.com/gatehouse-dev/caddy-gatehouse/events"
)

// SocketIO is the folder of Socket.IO.
const SocketIO = "/socket.io"

// SocketJudge decides what the client of a request may say on its socket. The
// transport asks it, for it alone sees every byte that goes to the backend.
type SocketJudge interface {
	// Event returns nil if the client may send an event. args is the JSON array
	// of its arguments, the name first, which may not be valid.
	Event(name string, args []byte) error
	// Key reports whether a text is a key of the gate's clients, which the
	// backend is not to see.
	Key(text string) bool
}

// SocketGuard is a handler that judges what clients say on sockets, and so
// needs a transport that asks it: a Backend.
type SocketGuard interface {
	JudgesSockets() bool
}

// Report tells the security log of what the gate has refused within a request
// that it had let pass.
func (req *Request) Report(r *http.Request, e events.Event) { req.door.Report(r, req, e) }
