// Package access is the handler agent_ip: which addresses may come at all.
// How lists are read and searched lies in the engine list.
package access

import (
	"errors"
	"fmt"
	"net/http"
	"net/netip"
	"strings"

	"github.com/caddyserver/caddy/v2"
	"github.com/caddyserver/caddy/v2/modules/caddyhttp"
	"github.com/gatehouse-dev/caddy-gatehouse/access/list"
	"github.com/gatehouse-dev/caddy-gatehouse/events/places"
	"github.com/gatehouse-dev/caddy-gatehouse/gate"
	"github.com/gatehouse-dev/caddy-gatehouse/gate/ipaddr"
)

func init() { caddy.RegisterModule(new(IP)) }

// IP lets requests pass by the address of the client. Where anything is
// allowed, everything else is denied; what is denied is denied even where it
// is allowed. Refused requests get 403.
//
// The address is that of the connection or, behind trusted proxies, the one
// that Caddy's trusted_proxies make out; no header is believed otherwise. An
// IPv4-mapped IPv6 address counts as the IPv4 address. A client without an
// address (on a unix socket) is on no list.
//
// Entries are networks in CIDR notation (10.0.0.0/8, 2001:db8::/32) or single
// addresses, or placeholders for several of them, separated by commas or
// spaces.
type IP struct {
	// Allow are the networks that may come. Default: all.
	Allow []string `json:"allow,omitempty"`
	// AllowFile are files with networks that may come, one a line, with
	// comments after #. They are read again whenever they change; a file that
	// cannot be read, or holds no network, changes nothing.
	AllowFile []string `json:"allow_file,omitempty"`
	// Deny are the networks that may not come, wherever they are allowed.
	Deny []string `json:"deny,omitempty"`
	// DenyFile are files with networks that may not come, as AllowFile.
	DenyFile []string `json:"deny_file,omitempty"`

	door        *gate.Door
	allow, deny lists
	watcher     *watcher
}

// lists are the lists of one kind: what is written, and files.
type lists struct {
	own   *list.List
	files []*file
}

// used reports whether there is any list of the kind.
func (l *lists) used() bool { return l.own != nil || len(l.files) > 0 }

// match returns the network that holds the address.
func (l *lists) match(addr netip.Addr) (netip.Prefix, bool) {
	if l.own != nil {
		if network, ok := l.own.Match(addr); ok {
			return network, true
		}
	}
	for _, f := range l.files {
		if network, ok := f.current.Load().Match(addr); ok {
			return network, true
		}
	}
	return netip.Prefix{}, false
}

// CaddyModule returns the Caddy module information.
func (*IP) CaddyModule() caddy.ModuleInfo {
	return caddy.ModuleInfo{ID: "http.handlers.agent_ip", New: func() caddy.Module { return new(IP) }}
}

// Provision reads the lists. All mistakes come in one report.
func (ip *IP) Provision(ctx caddy.Context) (err error) {
	defer gate.Tell(ip)(&err)
	if ip.door, err = gate.NewDoor(ctx); err != nil {
		return err
	}
	var mistakes []error
	if len(ip.Allow)+len(ip.AllowFile)+len(ip.Deny)+len(ip.DenyFile) == 0 {
		mistakes = append(mistakes, errors.New("it has neither an allow nor a deny list, so it does nothing: name networks, or take it out"))
	}
	provision := func(kind string, entries, paths []string, mayEmpty bool, into *lists) {
		own, err := readOwn(entries, ip.door.App().Resolve)
		if err != nil {
			mistakes = append(mistakes, fmt.Errorf("%s: %w", kind, err))
		}
		into.own = own
		for _, path := range paths {
			f, err := openFile(path, mayEmpty, ctx.Logger())
			if err != nil {
				mistakes = append(mistakes, places.At(fmt.Errorf("%s: %w", kind, err), kind, "file", path))
				continue
			}
			into.files = append(into.files, f)
		}
	}
	provision("allow", ip.Allow, ip.AllowFile, false, &ip.allow)
	provision("deny", ip.Deny, ip.DenyFile, true, &ip.deny)
	if files := append(append([]*file(nil), ip.allow.files...), ip.deny.files...); len(files) > 0 && errors.Join(mistakes...) == nil {
		ip.watcher, err = watch(files, ctx.Logger())
		mistakes = append(mistakes, err)
	}
	if err := errors.Join(mistakes...); err != nil {
		return fmt.Errorf("agent_ip: %w", err)
	}
	return nil
}

// readOwn makes the list of the entries that are written; nil if there are none.
func readOwn(entries []string, resolve gate.Resolver) (*list.List, error) {
	if len(entries) == 0 {
		return nil, nil
	}
	own := new(list.List)
	var mistakes []error
	for _, entry := range entries {
		text, err := resolve(entry)
		if err != nil {
			mistakes = append(mistakes, err)
			continue
		}
		words := []string{text}
		if gate.IsPlaceholder(entry) {
			words = strings.FieldsFunc(text, func(r rune) bool { return r == ',' || r == ' ' || r == '\t' || r == '\n' || r == '\r' })
		}
		if len(words) == 0 {
			mistakes = append(mistakes, fmt.Errorf("%s holds no network", entry))
		}
		for _, word := range words {
			network, err := ipaddr.ParseNetwork(word)
			if err != nil {
				mistakes = append(mistakes, fmt.Errorf("%q: %w", word, err))
				continue
			}
			own.Add(network)
		}
	}
	return own, errors.Join(mistakes...)
}

// Cleanup stops watching the files.
func (ip *IP) Cleanup() error {
	if ip.watcher == nil {
		return nil
	}
	return ip.watcher.close()
}

func (ip *IP) ServeHTTP(w http.ResponseWriter, r *http.Request, next caddyhttp.Handler) error {
	return ip.door.Through(w, r, next, ip)
}

// Serve passes the request on, or refuses it for the client's address.
func (ip *IP) Serve(w http.ResponseWriter, r *http.Request, req *gate.Request, next caddyhttp.Handler) error {
	if network, denied := ip.deny.match(req.Client); denied {
		return gate.Forbidden("deny "+network.String(), "the address is on the deny list of agent_ip")
	}
	if ip.allow.used() {
		if _, allowed := ip.allow.match(req.Client); !allowed {
			return gate.Forbidden("allow", "the address is not on the allow list of agent_ip: if it may come, put it there")
		}
	}
	return next.ServeHTTP(w, r)
}

var (
	_ caddy.Provisioner           = (*IP)(nil)
	_ caddy.CleanerUpper          = (*IP)(nil)
	_ caddyhttp.MiddlewareHandler = (*IP)(nil)
	_ gate.Step                   = (*IP)(nil)
)
