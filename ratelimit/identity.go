package ratelimit

import (
	"fmt"
	"net/http"
	"net/netip"
	"strings"

	"github.com/caddyserver/caddy/v2"
	"github.com/gatehouse-dev/caddy-gatehouse/gate"
	"github.com/gatehouse-dev/caddy-gatehouse/ratelimit/window"
)

// by says who is counted together.
type by int

const (
	byDefault by = iota // keys by key, shared keys by key and address, strangers by address
	byKey
	byIP
	byKeyAndIP
	byPlaceholder
)

var byNames = map[string]by{"": byDefault, "key": byKey, "ip": byIP, "key_and_ip": byKeyAndIP}

func parseBy(text string) (by, error) {
	if kind, ok := byNames[text]; ok {
		return kind, nil
	}
	if strings.HasPrefix(text, "{") && strings.HasSuffix(text, "}") && len(text) > 2 {
		return byPlaceholder, checkPlaceholder(text[1 : len(text)-1])
	}
	return 0, fmt.Errorf("by %s: write key, ip, key_and_ip or a placeholder like {http.request.header.X-Tenant}", text)
}

// identify is who is counted in a tier for a request.
func (l *RateLimit) identify(t *tier, r *http.Request, req *gate.Request) window.Identity {
	var name string
	if t.by == byPlaceholder {
		if repl, ok := r.Context().Value(caddy.ReplacerCtxKey).(*caddy.Replacer); ok {
			name = repl.ReplaceAll(t.By, "")
		}
	}
	return identity(t.by, t.prefix, name, req)
}

// identity is the client as which a request is counted. name is what the
// placeholder stands for, if it is one by which clients are told apart.
func identity(kind by, prefix int, name string, req *gate.Request) window.Identity {
	who := window.Identity{By: "ip"}
	var keyID string
	shared := false
	if p := req.Principal; p != nil {
		keyID, shared = p.KeyID, p.Shared
	}
	switch {
	case kind == byPlaceholder && name != "":
		who = window.Identity{By: "value", Name: name}
	case keyID == "" || kind == byIP || kind == byPlaceholder:
		who.Addr = network(req.Client, prefix)
	case kind == byKeyAndIP || kind == byDefault && shared:
		who = window.Identity{By: "key", Name: keyID, Addr: network(req.Client, prefix)}
	default:
		who = window.Identity{By: "key", Name: keyID}
	}
	return who
}

// client is the client that a request of that identity is counted for.
func (c *counters) client(who window.Identity, req *gate.Request) window.Client {
	return window.Client{ID: c.table.ID(who), From: req.Client, Key: req.Principal != nil && !req.Principal.Anonymous()}
}

// network is the address without what is the customer's own to choose.
func network(addr netip.Addr, prefix int) netip.Addr {
	if !addr.Is6() {
		return addr
	}
	network, err := addr.Prefix(prefix)
	if err != nil {
		return addr
	}
	return network.Addr()
}
