package admin

import (
	"encoding/json"
	"errors"
	"fmt"
	"io"
	"maps"
	"net"
	"net/http"
	"slices"
	"strings"

	"github.com/caddyserver/caddy/v2"
	"github.com/gatehouse-dev/caddy-gatehouse/events"
	"github.com/gatehouse-dev/caddy-gatehouse/gate"
	"go.uber.org/zap/zapcore"
)

func init() { caddy.RegisterModule(API{}) }

// API is Gatehouse's part of Caddy's admin endpoint, under /gatehouse/. It
// shows the process that runs and changes its keys. No answer holds a secret
// or a hash, but for the one that makes a secret.
//
// What changes something is answered on a unix socket alone. Over TCP it is 403
// and an event, since whatever runs on the host can fetch localhost: an agent
// that a prompt has talked into it could make itself a key. `allow_unsafe
// tcp_admin` in the global option gatehouse accepts that.
type API struct{}

// CaddyModule returns the Caddy module information.
func (API) CaddyModule() caddy.ModuleInfo {
	return caddy.ModuleInfo{ID: "admin.api.gatehouse", New: func() caddy.Module { return new(API) }}
}

// TCPAdmin is the finding of routes that change something and are reached over TCP.
var TCPAdmin = gate.RegisterGlobalFinding("tcp_admin")

// action answers a request to the admin API with what is to be written as
// JSON, nil for nothing. Errors that are no caddy.APIError are the gate's own: 500.
type action func(r *http.Request, app *gate.App) (any, error)

// endpoint is what one path of the admin API answers, by method.
type endpoint map[string]action

// endpoints are those of the admin API, by their patterns (those of
// http.ServeMux, without a method). Every method but GET changes something.
// Each file that has some adds them.
var endpoints = map[string]endpoint{}

// serve adds endpoints, while the program starts.
func serve(pattern string, e endpoint) { endpoints[pattern] = e }

// Routes are the routes of the admin API.
func (API) Routes() []caddy.AdminRoute {
	routes := []caddy.AdminRoute{{Pattern: "/gatehouse/", Handler: endpoint(nil)}}
	for pattern, e := range endpoints {
		routes = append(routes, caddy.AdminRoute{Pattern: pattern, Handler: e})
	}
	return routes
}

// ServeHTTP answers a request; its errors are caddy.APIError.
func (e endpoint) ServeHTTP(w http.ResponseWriter, r *http.Request) error {
	if e == nil {
		return failure(http.StatusNotFound, fmt.Errorf("the gate has no %s; it has %s", r.URL.Path, strings.Join(slices.Sorted(maps.Keys(endpoints)), ", ")))
	}
	act, ok := e[r.Method]
	if !ok {
		return failure(http.StatusMethodNotAllowed, fmt.Errorf("%s is not for %s", r.Method, r.URL.Path))
	}
	app, err := gate.Active()
	if err != nil {
		return failure(http.StatusNotFound, errors.New("no site of the configuration that runs uses gatehouse"))
	}
	if err := guardChange(r, app); err != nil {
		return err
	}
	answer, err := act(r, app)
	if err != nil {
		return failure(http.StatusInternalServerError, err)
	}
	w.Header().Set("Cache-Control", "no-store")
	if answer == nil {
		w.WriteHeader(http.StatusNoContent)
		return nil
	}
	w.Header().Set("Content-Type", "application/json")
	return json.NewEncoder(w).Encode(answer)
}

// failure makes a caddy.APIError of an error that is none yet.
func failure(status int, err error) error {
	if already := (caddy.APIError{}); errors.As(err, &already) {
		return already
	}
	return caddy.APIError{HTTPStatus: status, Err: err}
}

// guardChange refuses what would change something and does not come over a
// unix socket. It asks the connection itself: no header can say otherwise.
func guardChange(r *http.Request, app *gate.App) error {
	if r.Method == http.MethodGet || overSocket(r) || app.Accepts(TCPAdmin) {
		return nil
	}
	var client gate.Request
	if peer, err := net.ResolveTCPAddr("tcp", r.RemoteAddr); err == nil {
		client.Client = peer.AddrPort().Addr().Unmap()
	}
	app.Events().Report(events.Event{
		Name:      events.AuthzFail,
		Message:   events.From("[SECURITY] Forbidden request from", client.Client),
		Level:     zapcore.WarnLevel,
		ClientIP:  client.Client,
		Method:    r.Method,
		URI:       r.RequestURI,
		UserAgent: r.UserAgent(),
		Rule:      string(TCPAdmin),
		Reason:    "a change was asked for over Caddy's admin endpoint, which listens on TCP, where an agent on this host can reach it",
		Enforced:  true,
	})
	return failure(http.StatusForbidden, errors.New("over TCP nothing can be changed here, since whatever runs on this host can fetch localhost, an agent that was talked into it too: "+
		"put the endpoint on a unix socket, with `admin unix//run/gatehouse/admin.sock|0600` in the global options; "+
		"to accept the danger, write `allow_unsafe tcp_admin \"<reason>\"` in the global option gatehouse"))
}

// overSocket reports whether a request came over a unix socket that has a
// place in the file system, and so an owner and a mode. An abstract one is open to all.
func overSocket(r *http.Request) bool {
	addr, ok := r.Context().Value(http.LocalAddrContextKey).(*net.UnixAddr)
	return ok && addr.Name != "" && !strings.HasPrefix(addr.Name, "@") && addr.Name[0] != 0
}

// maxBody bounds what is read of a request to the admin API.
const maxBody = 64 << 10

// readJSON reads the body into what the action expects. Nothing at all is an
// empty object; what it does not know is an error.
func readJSON(r *http.Request, into any) error {
	d := json.NewDecoder(http.MaxBytesReader(nil, r.Body, maxBody))
	d.DisallowUnknownFields()
	if err := d.Decode(into); err != nil && !errors.Is(err, io.EOF) {
		return failure(http.StatusBadRequest, fmt.Errorf("the body is not what is expected here: %w", err))
	}
	return nil
}

var _ caddy.AdminRouter = (*API)(nil)
