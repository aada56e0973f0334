package admin

import (
	"fmt"
	"net"
	"strings"
	"sync/atomic"
	"time"

	"github.com/caddyserver/caddy/v2"
	"github.com/gatehouse-dev/caddy-gatehouse/gate"
)

// asked says that this process has asked who answers at its admin socket. From
// then on that is most likely itself.
var asked atomic.Bool

// Provision refuses to start beside a gate that runs already. Caddy removes the
// admin endpoint's socket before it listens there, and only then finds out that
// the ports are taken: the gate that runs would be left without its endpoint.
//
// It is called before the endpoint listens. Where that will be is known of a
// Caddyfile alone.
func (API) Provision(caddy.Context) error {
	if asked.Swap(true) {
		return nil
	}
	return checkFree(gate.AdaptedAdmin())
}

// checkFree refuses a unix socket at which somebody answers. A file that a
// process has left behind is none.
func checkFree(address string) error {
	endpoint, err := caddy.ParseNetworkAddress(address)
	if address == "" || err != nil || !endpoint.IsUnixNetwork() {
		return nil // nothing is removed there
	}
	path, _, _ := strings.Cut(endpoint.Host, "|") // the socket's mode
	conn, err := net.DialTimeout("unix", path, time.Second)
	if err != nil {
		return nil
	}
	_ = conn.Close()
	return fmt.Errorf("another process answers at %s, most likely a gate of this configuration that runs already: "+
		"to give it a new configuration use `reload`; to start another beside it, name another socket with `admin` in the global options", path)
}

var _ caddy.Provisioner = API{}
