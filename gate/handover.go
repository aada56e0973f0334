package gate

import (
	"context"
	"maps"
	"net"
	"net/http"
	"slices"
	"sync/atomic"
	"time"

	"github.com/caddyserver/caddy/v2"
	"github.com/caddyserver/caddy/v2/modules/caddyhttp"
	"github.com/gatehouse-dev/caddy-gatehouse/events"
	"go.uber.org/zap"
)

// At a reload the servers of the new configuration listen beside those of the
// former one, which Caddy then stops. Go's HTTP server hangs up when it is
// stopped: on connections that wait to be accepted, on requests that it has just
// read, and on connections that rest for an instant between two requests. So
// before its servers are stopped the former configuration hands its clients over:
// new connections go to the new servers alone, and each response of HTTP/1.1 has
// its client come back on another connection (RFC 9112, section 9.6). HTTP/2 and 3
// need none of this: there a server tells which requests it has taken.

// It is looked again and again whether any clients are left. The looks are
// counted, and not the time: where a busy machine lets the process wait, its
// clients wait too.
const (
	handoverLook = 5 * time.Millisecond
	// handoverLeast looks are time enough for connections that are being opened: a
	// tenth of a second. Where there has never been any, one look is.
	handoverLeast = 20
	// handoverMost looks, a second, are how long clients have to send the request
	// whose response tells them to come back. One that rests for longer is hung
	// up on, as servers do, and knows how to take it.
	handoverMost = 200
)

// handover is what a configuration has to hand over.
type handover struct {
	servers map[string]*caddyhttp.Server

	begun  atomic.Bool
	open   atomic.Int64 // connections that requests can come on
	opened atomic.Bool  // there has been one
}

// handOver has the servers' clients handed over when a reload stops them. Until
// they are in force themselves they get none: their configuration may fail yet.
func (a *App) handOver(ctx caddy.Context, servers map[string]*caddyhttp.Server) error {
	if former, err := Active(); err == nil {
		former.handover.hold(ctx, servers)
	}
	a.handover.servers = servers
	for _, server := range servers {
		server.RegisterConnState(a.handover.count)
	}
	return events.On(ctx, "stopping", func(caddy.Event) {
		if !caddy.Exiting() {
			a.handover.run(ctx, a.logger)
		}
	})
}

func (h *handover) count(_ net.Conn, state http.ConnState) {
	switch state {
	case http.StateNew:
		h.opened.Store(true)
		h.open.Add(1)
	case http.StateHijacked, http.StateClosed:
		h.open.Add(-1)
	}
}

// leads counts how often connections of the process have been led anew. Whoever
// led them before must not let go of them any more.
var leads atomic.Int64

// led are connections that are led somewhere.
type led struct {
	turn     int64
	releases []func()
}

func (l *led) note(release func()) { l.releases = append(l.releases, release) }

// release lets go when servers that are being stopped do not listen any more.
func (l *led) release(stopped map[string]*caddyhttp.Server) {
	for look, closed := 0, 0; look < handoverMost && closed < handoverLeast; look++ {
		// A socket that is closed may be there yet, for as long as the machine is busy.
		if !slices.ContainsFunc(slices.Collect(maps.Values(listeners(stopped))), listens) {
			closed++
		}
		time.Sleep(handoverLook)
	}
	if leads.Load() != l.turn {
		return
	}
	for _, release := range l.releases {
		release()
	}
}

// hold has new connections go to the configuration that runs for as long as the
// one that is being loaded, ctx, may fail: some of its servers may listen by then.
func (h *handover) hold(ctx caddy.Context, next map[string]*caddyhttp.Server) {
	held := led{turn: leads.Add(1)}
	for _, ln := range listeners(h.servers) {
		release, _ := lead(ln) // where it cannot be the handover tells
		held.note(release)
	}
	context.AfterFunc(ctx, func() { held.release(next) })
}

// run hands the servers' clients over, for as long as there are any.
func (h *handover) run(ctx caddy.Context, logger *zap.Logger) {
	after := httpApp(caddy.ActiveContext())
	if after == nil {
		return // nothing comes after
	}
	steered := led{turn: leads.Add(1)}
	former := listeners(h.servers)
	for address, ln := range listeners(after.Servers) {
		if former[address] == nil {
			continue
		}
		release, err := steer(former[address], ln)
		if err != nil {
			logger.Info("a client that connects at this very moment may have to do so again: the system does not let new connections be led "+
				"to the configuration that is loaded. If multipathtcp stands in GODEBUG in the gate's environment, take it out",
				zap.Stringer("address", ln.Addr()), zap.Error(err))
		}
		steered.note(release)
	}
	context.AfterFunc(ctx, func() { steered.release(h.servers) })
	h.begun.Store(true)
	for look := 0; look == 0 || h.opened.Load() && look < handoverLeast || h.open.Load() > 0 && look < handoverMost; look++ {
		time.Sleep(handoverLook)
	}
}

// listeners are those of servers, by their addresses.
func listeners(servers map[string]*caddyhttp.Server) map[string]net.Listener {
	found := make(map[string]net.Listener)
	for _, server := range servers {
		for _, ln := range server.Listeners() {
			found[ln.Addr().Network()+" "+ln.Addr().String()] = ln
		}
	}
	return found
}

// endConnection has the client of a response of HTTP/1.1 come back on another
// connection, if the configuration is being handed over.
func (h *handover) endConnection(header http.Header, r *http.Request) {
	if h.begun.Load() && r.ProtoMajor == 1 && len(header["Connection"]) == 0 {
		header["Connection"] = []string{"close"}
	}
}
