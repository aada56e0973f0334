package survey

import (
	"cmp"
	"context"
	"crypto/tls"
	"io"
	"maps"
	"net"
	"net/http"
	"net/netip"
	"strconv"
	"strings"

	"github.com/caddyserver/caddy/v2"
	"github.com/gatehouse-dev/caddy-gatehouse/admin/doctor"
	"github.com/gatehouse-dev/caddy-gatehouse/gate"
	"github.com/gatehouse-dev/caddy-gatehouse/gate/ipaddr"
)

// nameOf is how reports call a site: by its hosts, with a port that is not the usual.
func nameOf(site *gate.SitePortrait) string {
	if len(site.Hosts) == 0 {
		return strings.Join(site.Listen, ", ")
	}
	name := strings.Join(site.Hosts, ", ")
	addr, err := caddy.ParseNetworkAddress(site.Listen[0])
	if err != nil || addr.IsUnixNetwork() || addr.StartPort == 443 || addr.StartPort == 80 {
		return name
	}
	return name + ":" + strconv.Itoa(int(addr.StartPort))
}

// site asks a site what a stranger would ask.
func (s *Survey) site(p *gate.SitePortrait, c config) doctor.Site {
	site := doctor.Site{
		Name: nameOf(p), TLS: p.TLS, Guarded: p.Guarded, Anonymous: p.Anonymous, Origins: p.Origins, Credentials: p.Credentials,
		UI: p.UI, MaxBody: p.MaxBody, TrustsAll: p.TrustsAll, Lenient: c.lenient(p.Server),
	}
	for _, l := range p.Limits {
		site.Limits = append(site.Limits, doctor.Limit{Tier: l.Tier, Requests: l.Requests, Window: l.Window, Shadow: l.Shadow})
	}
	for _, u := range p.Upstreams {
		upstream := doctor.Upstream{Address: u.Address, Guarded: u.Guarded, TLS: u.TLS, Kind: u.Backend}
		for _, share := range u.Spread {
			upstream.Spread = append(upstream.Spread, doctor.Share{Requests: share.Requests, Paths: share.Paths})
		}
		site.Upstreams = append(site.Upstreams, upstream)
	}
	v, err := newVisitor(p)
	if err != nil {
		site.Unreachable = err.Error()
		return site
	}
	site.Exposed = !v.loopback
	if !p.Guarded {
		return site
	}
	if p.TLS {
		if site.Handshake, err = s.handshake(v); err != nil {
			site.Unreachable = plain(err)
			return site
		}
	}
	refused, err := v.ask(nil, "/api/agents", nil)
	if err != nil {
		site.Unreachable = plain(err)
		return site
	}
	site.Refused = refused
	s.visit(v, &site, c)
	return site
}

// visit asks all that is asked without a key. What cannot be asked for is
// absent: that the site answers at all has been seen.
func (s *Survey) visit(v *visitor, site *doctor.Site, c config) {
	site.Stranger, _ = v.ask(nil, "/api/agents", http.Header{"Origin": {"https://stranger.invalid"}})
	site.Page, _ = v.ask(nil, "/", http.Header{"Accept": {"text/html"}, "Sec-Fetch-Mode": {"navigate"}})
	for _, path := range strangersPaths {
		if a, err := v.ask(nil, path, nil); err == nil && answered(a.Status) {
			site.Open = append(site.Open, *a)
		}
	}
	if v.tls {
		site.Plain = v.overHTTP(c.httpPort())
	}
	s.forge(v, site)
}

// strangersPaths are where a stranger would look: the API, what runs the
// server, sockets, uploads, health, and a plugin's route.
var strangersPaths = []string{
	"/api/agents", "/api/server/ping", "/api/system/env/local", "/api/server/logs", "/socket.io/?EIO=4&transport=polling",
	"/media/uploads/agents/00000000-0000-4000-8000-000000000000/doctor.png", "/health", "/healthz", "/doctor-plugin/route",
}

// answered reports whether a request was let pass: not found, or failed, behind
// the gate is let pass too.
func answered(status int) bool {
	return status < 300 || status == http.StatusNotFound || status >= 500
}

// visitor asks one site.
type visitor struct {
	host     string // in URLs, with its port
	name     string // in TLS
	tls      bool
	loopback bool // it listens on loopback alone
	all      bool // it listens on every address
	network  string
	address  string
	port     string
}

func newVisitor(p *gate.SitePortrait) (*visitor, error) {
	v := &visitor{tls: p.TLS, loopback: true}
	for _, listen := range p.Listen {
		addr, err := caddy.ParseNetworkAddress(listen)
		if err != nil {
			return nil, err
		}
		ip, _ := netip.ParseAddr(strings.Trim(addr.Host, "[]"))
		unspecified := !addr.IsUnixNetwork() && (addr.Host == "" || ip.IsUnspecified())
		v.all = v.all || unspecified
		v.loopback = v.loopback && (addr.IsUnixNetwork() || ipaddr.IsLoopback(addr.Host))
		if v.address != "" {
			continue
		}
		if unspecified {
			addr.Host = "127.0.0.1"
		}
		v.network, v.address, v.port = "tcp", addr.JoinHostPort(0), strconv.Itoa(int(addr.StartPort))
		if addr.IsUnixNetwork() {
			v.network, v.port = "unix", ""
			v.address, _, _ = strings.Cut(addr.Host, "|")
		}
	}
	v.name = "localhost"
	if len(p.Hosts) > 0 {
		v.name = strings.Replace(p.Hosts[0], "*", "doctor", 1)
	} else if v.network == "tcp" {
		v.name, _, _ = net.SplitHostPort(v.address)
	}
	v.host = v.name
	if usual := map[bool]string{true: "443", false: "80"}[v.tls]; v.port != "" && v.port != usual {
		v.host = net.JoinHostPort(v.name, v.port)
	}
	return v, nil
}

// ask sends a request to the site, or to another address of it.
func (v *visitor) ask(to *netip.Addr, path string, header http.Header) (*doctor.Answer, error) {
	scheme := "http://"
	if v.tls {
		scheme = "https://"
	}
	address := v.address
	if to != nil {
		address = net.JoinHostPort(to.String(), v.port)
	}
	return request(v.network, address, v.name, scheme+v.host+path, header)
}

// overHTTP asks the same host on the port of plain http; nil: nothing answers.
func (v *visitor) overHTTP(port int) *doctor.Answer {
	host, _, err := net.SplitHostPort(v.address)
	if err != nil || v.network != "tcp" {
		return nil
	}
	url := "http://" + v.name + "/api/agents"
	if port != 80 {
		url = "http://" + net.JoinHostPort(v.name, strconv.Itoa(port)) + "/api/agents"
	}
	a, err := request("tcp", net.JoinHostPort(host, strconv.Itoa(port)), "", url, nil)
	if err != nil {
		return nil
	}
	return a
}

// request sends one request and follows nothing. Whether a certificate is to
// be believed is asked elsewhere.
func request(network, address, name, url string, header http.Header) (*doctor.Answer, error) {
	ctx, cancel := context.WithTimeout(context.Background(), patience)
	defer cancel()
	r, err := http.NewRequestWithContext(ctx, http.MethodGet, url, nil)
	if err != nil {
		return nil, err
	}
	maps.Copy(r.Header, header)
	r.Header.Set("User-Agent", gate.DoctorAgent)
	transport := &http.Transport{
		DisableKeepAlives: true, ForceAttemptHTTP2: true,
		TLSClientConfig: &tls.Config{ServerName: name, InsecureSkipVerify: true},
		DialContext: func(ctx context.Context, _, _ string) (net.Conn, error) {
			return new(net.Dialer).DialContext(ctx, network, address)
		},
	}
	res, err := transport.RoundTrip(r)
	if err != nil {
		return nil, err
	}
	defer res.Body.Close()
	_, _ = io.CopyN(io.Discard, res.Body, 1<<20)
	a := &doctor.Answer{Method: r.Method, Path: r.URL.Path, Status: res.StatusCode, Header: make(map[string]string)}
	for field := range res.Header {
		a.Header[field] = res.Header.Get(field)
	}
	a.HTML = strings.HasPrefix(a.Header["Content-Type"], "text/html")
	return a, nil
}

// The addresses that requests make up: of networks that nobody has (RFC 5737).
const (
	firstForged = "203.0.113.66"
	lastForged  = "203.0.113.67"
)

// forge sends requests that claim to come from somewhere else, from this
// machine's addresses, and asks the gate whom it took them for. The path is one
// that every site refuses, so that the refusal is remembered.
func (s *Survey) forge(v *visitor, site *doctor.Site) {
	from := []*netip.Addr{nil}
	if v.all {
		for _, addr := range s.Outward[:min(len(s.Outward), 4)] {
			from = append(from, &addr)
		}
	}
	forged := map[string]string{"X-Forwarded-For": firstForged + ", " + lastForged, "X-Real-Ip": "203.0.113.68", "Cf-Connecting-Ip": "203.0.113.69", "True-Client-Ip": "203.0.113.70"}
	header := make(http.Header)
	for name, value := range forged {
		header.Set(name, value)
	}
	for _, to := range from {
		a, err := v.ask(to, "/api/doctor%2Fprobe", header)
		if err != nil {
			continue // it does not listen there
		}
		var told gate.Refused
		if err := s.Ask("/gatehouse/refusals/"+a.Header["X-Request-Id"], &told); err != nil {
			continue // refused by somebody else
		}
		for name, value := range forged {
			first, last, _ := strings.Cut(value, ", ")
			if told.Client != first && told.Client != cmp.Or(last, first) {
				continue
			}
			source := "127.0.0.1"
			if to != nil {
				source = to.String()
			}
			site.Believed = append(site.Believed, doctor.Believed{Header: name, From: source, First: last != "" && told.Client == first})
		}
	}
}
