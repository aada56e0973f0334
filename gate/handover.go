package gate

import (
	"context"
	"net"
	"net/http"
	"sync"
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
	begun  atomic.Bool
	open   atomic.Int64 // connections that requests can come on
	opened atomic.Bool  // there has been one
}

// handOver has the servers' clients handed over when a reload stops them.
func (a *App) handOver(ctx caddy.Context, servers map[string]*caddyhttp.Server) error {
	for _, server := range servers {
		server.RegisterConnState(a.handover.count)
	}
	return events.On(ctx, "stopping", func(caddy.Event) {
		if !caddy.Exiting() {
			a.handover.run(ctx, a.logger, servers)
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

// steered are the sockets to which connections are led that others would get too.
var steered sync.WaitGroup

// run hands the servers' clients over, for as long as there are any.
func (h *handover) run(ctx caddy.Context, logger *zap.Logger, servers map[string]*caddyhttp.Server) {
	after := httpApp(caddy.ActiveContext())
	if after == nil {
		return // nothing comes after
	}
	steered.Wait() // for the end of the reload before
	former := listeners(servers)
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
		steered.Add(1)
		context.AfterFunc(ctx, func() { // the servers are being stopped
			defer steered.Done()
			release()
		})
	}
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
