package backend

import (
	"net"
	"time"

	"github.com/gatehouse-dev/caddy-gatehouse/gate/ipaddr"
	"go.uber.org/zap"
)

// defaultSalt is what ElizaOS encrypts with where SECRET_SALT is unset.
const defaultSalt = "secretsalt"

// Inspect warns of a salt that everybody knows, and of a backend that is told to
// listen on more than loopback, and tries whether it answers there.
func (t *Transport) Inspect(upstreams []string) {
	if t.weakSalt {
		t.logger.Warn("the backend encrypts its agents' secrets with the salt that every ElizaOS has: whoever gets an agent's settings can read them. " +
			"Set SECRET_SALT for the backend, to the output of `openssl rand -base64 32`; secrets that it has encrypted already have to be set anew")
	}
	if t.listens == "" || ipaddr.IsLoopback(t.listens) {
		return
	}
	t.logger.Warn("the backend is told to listen on more than loopback, where it can be reached past the gate: set SERVER_HOST=127.0.0.1 for the backend",
		zap.String("listens", t.listens))
	for _, upstream := range upstreams {
		_, port, err := net.SplitHostPort(upstream)
		if err != nil {
			continue
		}
		for _, ip := range outwardAddrs() {
			outward := net.JoinHostPort(ip.String(), port)
			if !answers(outward) {
				continue
			}
			t.logger.Error("the backend answers on an outward address of this machine, so anybody who can reach that address gets past the gate: "+
				"set SERVER_HOST=127.0.0.1 for the backend, or close the port in the firewall",
				zap.String("address", outward))
		}
	}
}

// outwardAddrs is a variable for tests, which stay on loopback.
var outwardAddrs = ipaddr.Outward

// answers reports whether something accepts connections at an address of this
// machine, which it says at once or not at all.
func answers(address string) bool {
	conn, err := net.DialTimeout("tcp", address, 500*time.Millisecond)
	if err != nil {
		return false
	}
	_ = conn.Close()
	return true
}
