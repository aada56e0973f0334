package gate

import (
	"encoding/binary"
	"math/rand/v2"
	"net/http"
	"net/netip"
	"strings"
	"sync/atomic"
	"time"

	"github.com/caddyserver/caddy/v2/modules/caddyhttp"
	"github.com/gatehouse-dev/caddy-gatehouse/events"
	"github.com/google/uuid"
	"golang.org/x/net/http/httpguts"
)

// Request is what the gate knows of a request on its way through the
// handlers. It is made by the door and lives until the door has closed.
type Request struct {
	// ID is the request id, as it leaves in X-Request-Id.
	ID string
	// Client is the client's address by Caddy's trusted-proxy logic, without
	// an IPv6 zone and unmapped; the zero Addr where there is none (a unix
	// socket).
	Client netip.Addr
	// Principal is who the caller is; nil until agent_auth has run.
	Principal *Principal
	// OriginAllowed tells that agent_cors has run and lets pages of the
	// request's Origin, which is another than the site's own, read responses.
	OriginAllowed bool
	// CredentialsAllowed tells besides that those pages may send cookies.
	CredentialsAllowed bool
	// Socket judges what the client says, if the request leads to a socket;
	// nil where nothing is known of the backend's sockets.
	Socket SocketJudge

	path    string                  // the cleaned path that every check has seen
	unclean error                   // why the path could not be cleaned
	closed  *Refusal                // set where nobody may come
	page    page                    // what it is to the web UI
	refusal atomic.Pointer[Refusal] // set where no error can be returned
	writer  responseWriter
	taken   []string // names of query parameters that were taken out
	door    *Door
	trial   *Trial // nil of a request that is more than tried
	route   routeMemo
	dressed []Dresser
	// hangers is the room of dressed, kept here as idHeader is.
	hangers [2]Dresser
	stream  Stream
	held    held
	// behind and ctx are the request as the handlers see it and its context,
	// kept here as idHeader is.
	behind  http.Request
	ctx     requestContext
	began   time.Time
	decided atomic.Bool // the decision was told to the metrics and the trace
	// idHeader is the value of X-Request-Id, kept here so that the header
	// costs no allocation of its own.
	idHeader [1]string
}

// requestVar is the name of the request variable that holds the *Request.
const requestVar = "gatehouse.request"

// requestIDHeader carries the request id, outward to the client and inward to the backend.
const requestIDHeader = "X-Request-Id"

// String is the request id: all that a log or a placeholder may show of a
// Request.
func (req *Request) String() string { return req.ID }

// Path is the cleaned path, the only form in which a path may be judged. It is
// what the backend gets.
func (req *Request) Path() string { return req.path }

// Network is the unit by which strangers are told apart, here as in the security
// log: the address itself, or the /64 of an IPv6 address.
func (req *Request) Network() netip.Prefix { return events.NetworkOf(req.Client) }

// newRequest reads from r what the gate has to know, and puts the cleaned path
// into r, so that what is matched from here on is what is forwarded.
func newRequest(w http.ResponseWriter, r *http.Request, d *Door) *Request {
	vars, _ := r.Context().Value(caddyhttp.VarsCtxKey).(map[string]any)
	req := &Request{ID: newID(), Client: clientAddr(vars), door: d, began: time.Now()}
	req.writer.LastLook = NewLastLook(w, &req.writer)
	req.writer.req = req
	req.dressed = req.hangers[:0]
	req.idHeader[0] = req.ID
	w.Header()[requestIDHeader] = req.idHeader[:]
	endHops(r.Header)
	// What comes behind the body nobody here judges, and some backends take it
	// for header fields. A proxy may drop it (RFC 9110, section 6.5.1).
	r.Trailer = nil
	// A client's own id is not believed: it could collide with another's.
	r.Header[requestIDHeader] = req.idHeader[:]

	req.path, req.unclean = d.Semicolons.clean(r.URL)
	if req.unclean == nil && (req.path != r.URL.Path || r.URL.RawPath != "") {
		r.URL.Path, r.URL.RawPath = req.path, ""
		r.RequestURI = r.URL.RequestURI()
	}
	if !isMethod(r.Method) {
		req.closed = BadRequest("INVALID_REQUEST", "Bad request", "the method is no word in capitals: others are refused by the proxy, which would hold that against the backend, "+
			"or taken by some backends for the one in capitals, which no rule on that has judged")
	}
	req.trial, _ = vars[trialVar].(*Trial)
	if vars != nil { // nil where there is no server, as in tests
		vars[requestVar] = req
	}
	return req
}

// isMethod reports whether a method is one that all servers take for what it
// says (RFC 9110, section 9.1). HTTP/2 carries any text for one.
func isMethod(method string) bool {
	return httpguts.ValidHeaderFieldName(method) && method == strings.ToUpper(method)
}

// newID makes a random UUID (RFC 9562, version 4). An id tells requests apart
// and guards nothing, so the runtime's own generator will do: it is many times
// faster than reading from the system.
func newID() string {
	var id uuid.UUID
	binary.NativeEndian.PutUint64(id[:8], rand.Uint64())
	binary.NativeEndian.PutUint64(id[8:], rand.Uint64())
	id[6] = id[6]&0x0f | 0x40
	id[8] = id[8]&0x3f | 0x80
	return id.String()
}

// clientAddr is the address that Caddy determined from the connection and, if
// trusted_proxies are set, from the proxies' headers. Raw headers are never read.
func clientAddr(vars map[string]any) netip.Addr {
	text, _ := vars[caddyhttp.ClientIPVarKey].(string)
	addr, err := netip.ParseAddr(text)
	if err != nil {
		return netip.Addr{}
	}
	return addr.Unmap().WithZone("")
}
