package doctor

import (
	"net/http"
	"strings"

	"github.com/gatehouse-dev/caddy-gatehouse/gate/ipaddr"
)

// checkProxy is item 6: "Configure reverse proxy (Nginx/Caddy)". The gate is
// one; what matters is that there is no way around its keys.
func checkProxy(d *Deployment, r *Result) {
	behind := make(map[string]bool) // addresses that a guarded way leads to
	for _, s := range d.Sites {
		for _, u := range s.Upstreams {
			behind[u.Address] = behind[u.Address] || u.Guarded
		}
	}
	ways := 0
	for _, s := range d.Sites {
		for _, u := range s.Upstreams {
			switch {
			case u.Guarded:
				ways++
				r.ok("%s leads to %s, and asks for a key", s.Name, u.Address)
			case behind[u.Address]:
				r.fail("take that reverse_proxy out, or write `gatehouse elizaos "+u.Address+"` in its place", "%s leads to %s without asking for a key, past the gate", s.Name, u.Address)
			default:
				r.warn("if agents stand there, write `gatehouse elizaos "+u.Address+"` in its place", "%s leads to %s without asking for a key", s.Name, u.Address)
			}
		}
	}
	if ways == 0 {
		r.fail("write `gatehouse elizaos 127.0.0.1:3000` into the site", "no site leads to a backend through agent_auth")
	}
}

// checkReach asks whether the backend can be reached past the gate.
func checkReach(d *Deployment, r *Result) {
	const remedy = "write SERVER_HOST=127.0.0.1 in the environment of the backend, and restart it; or close the port in the firewall (examples/firewall)"
	for _, b := range d.Backends {
		if !b.Local {
			checkRemote(b, r)
			continue
		}
		var outward []string
		for _, address := range b.Listens {
			if host, _, found := cutPort(address); found && !ipaddr.IsLoopback(host) {
				outward = append(outward, address)
			}
		}
		switch {
		case len(b.Outward) > 0:
			r.fail(remedy, "the backend at %s also answers at %s: whoever reaches that address gets past the gate", b.Address, strings.Join(b.Outward, ", "))
		case len(outward) > 0:
			r.fail(remedy, "the backend at %s listens on %s: only a firewall is between it and others", b.Address, strings.Join(outward, ", "))
		case len(b.Listens) > 0:
			r.ok("the backend at %s listens on %s alone; tried on %d other addresses of this machine", b.Address, strings.Join(b.Listens, ", "), b.Asked)
		case b.Asked > 0:
			r.ok("the backend at %s was tried on %d other addresses of this machine, and does not answer there", b.Address, b.Asked)
		default:
			r.ok("the backend at %s: this machine has no other address", b.Address)
		}
		switch a := b.Keyless; {
		case a == nil:
			r.warn("start it; `journalctl -u eliza` says why it ended", "the backend at %s does not answer", b.Address)
		case a.Status == http.StatusOK:
			r.warn("set ELIZA_SERVER_AUTH_TOKEN for the backend: `openssl rand -base64 32`",
				"the backend at %s answers %s without a key of its own: every program of this machine can use it", b.Address, a.Path)
		}
	}
}

func checkRemote(b Backend, r *Result) {
	switch {
	case b.TLS:
		r.ok("the backend at %s is on another machine, and is spoken to by https: let its firewall accept the gate alone", b.Address)
	case b.Private:
		r.warn("have it in the gate's network namespace, as in examples/docker; or speak https to it (docs/deployment.md, a backend on another machine)",
			"the backend at %s is not on this machine, and is spoken to by plain http: whoever is in that network reaches it too", b.Address)
	default:
		r.fail("speak https to it, with its CA named (docs/deployment.md, a backend on another machine)",
			"the backend at %s is on another machine, and is spoken to by plain http: its key can be read on the way", b.Address)
	}
}

func cutPort(address string) (host, port string, found bool) {
	i := strings.LastIndexByte(address, ':')
	if i < 0 {
		return address, "", false
	}
	return strings.Trim(address[:i], "[]"), address[i+1:], true
}
