// Package backend is the way to the backend: the transport agent_backend of
// Caddy's reverse proxy. It puts the backend's own key in where no log of
// Caddy's sees it, chooses the address that connections come from, and cleans
// what comes back.
//
// It learns from the gate who the caller is, and knows nothing of how that was
// found out.
package backend

import (
	"errors"
	"fmt"
	"maps"
	"net"
	"net/http"
	"net/url"
	"slices"
	"strings"

	"github.com/caddyserver/caddy/v2"
	"github.com/caddyserver/caddy/v2/modules/caddyhttp"
	"github.com/caddyserver/caddy/v2/modules/caddyhttp/reverseproxy"
	"github.com/gatehouse-dev/caddy-gatehouse/events"
	"github.com/gatehouse-dev/caddy-gatehouse/events/places"
	"github.com/gatehouse-dev/caddy-gatehouse/gate"
	"github.com/gatehouse-dev/caddy-gatehouse/gate/urlpath"
	"go.uber.org/zap"
	"golang.org/x/net/http/httpguts"
)

func init() { caddy.RegisterModule(Transport{}) }

// Transport is a transport for Caddy's reverse_proxy that stands between the
// gate and an agent backend. It takes every option of Caddy's transport http,
// and does besides:
//
// The backend's own key is put into the request here, on a copy that is never
// logged: Caddy logs the headers of a proxied request whenever a client leaves
// in the middle of a stream. The key is put in only if agent_auth has let the
// request pass; without it the backend's own check still stands.
//
// A request whose path is not the one that was checked is refused with 500:
// something between agent_auth and here has rewritten it.
//
// A backend on loopback is never dialled from 127.0.0.1, because ElizaOS
// counts requests by address, and its agents call it from there. Connections
// come from 127.72.0.1 instead (Linux; elsewhere from the default address,
// with a note in the log).
//
// With Spread, connections to a backend on loopback come from addresses of
// 127.0.0.0/8 in turn, as many as the traffic needs, so that no bucket of a
// backend that counts by address is used up by one client for another.
//
// What clients say on Socket.IO is read, in frames of WebSockets and in bodies
// of polling, and held against what agent_auth knows of the caller.
//
// Of the response, and of those before it (1xx), headers are dropped that speak
// for the gate's part: CORS (Access-Control-*), limits (RateLimit-*,
// X-RateLimit-*, and Retry-After on 429), the request id (X-Request-Id) and
// product names (X-Powered-By, Server), and those that hold the backend's key.
type Transport struct {
	reverseproxy.HTTPTransport

	// Key is a placeholder for the backend's key: {env.NAME},
	// {env.NAME:default} or {file./path}. A literal is refused. Default: none
	// is put in. An unset variable is an error.
	Key string `json:"key,omitempty"`

	// Header is the header in which the backend expects its key.
	// Default: X-API-KEY.
	Header string `json:"header,omitempty"`

	// Scheme stands before the key, with a space between them, as in
	// `Authorization: Bearer <key>` (RFC 9110, section 11.4); the key alone in
	// Authorization is refused, unless it has a scheme itself. Default: none.
	Scheme string `json:"scheme,omitempty"`

	// SocketKey is a placeholder for the key that the backend expects on
	// /socket.io/ instead of Key. Default, also where the variable is unset: Key.
	SocketKey string `json:"socket_key,omitempty"`

	// Listens is the address that the backend was told to listen on, usually a
	// placeholder, {env.SERVER_HOST:0.0.0.0}. Unless it is a loopback address,
	// there is a warning at each start, and the gate tries whether the backend
	// answers on this machine's outward addresses. Default: nothing is checked.
	Listens string `json:"listens,omitempty"`

	// Spread is how many requests one source address may carry in a window of
	// 15 minutes; several say so for some paths. It needs Linux and a backend
	// on loopback without TLS. Default: all connections come from 127.72.0.1.
	Spread []Share `json:"spread,omitempty"`
	// Errors names a backend whose errors leave in one shape, with code and
	// message, without details and stack traces, and with the status that they
	// deserve: "elizaos". Default: errors leave as they come.
	Errors string `json:"errors,omitempty"`
	// Conceal are members of JSON answers that not everybody may see. Their
	// values are replaced by {}. Default: none.
	Conceal []*Concealed `json:"conceal,omitempty"`
	// Salt is a placeholder for the salt under which the backend encrypts the
	// secrets that it gives out, {env.SECRET_SALT}. There is a warning at each
	// start if it is unset or ElizaOS' own default. Default: nothing is checked.
	Salt string `json:"salt,omitempty"`

	app        *gate.App
	misjudged  []gate.Misjudged
	sharePaths []caddyhttp.MatchPath
	shares     string // Spread in one word
	spreads    bool
	weakSalt   bool

	key         []string // one, or none
	socketKey   []string
	value       []string // the keys as header values, ready to be shared by requests
	socketValue []string
	listens     string
	logger      *zap.Logger
}

// CaddyModule returns the Caddy module information.
func (Transport) CaddyModule() caddy.ModuleInfo {
	return caddy.ModuleInfo{ID: "http.reverse_proxy.transport.agent_backend", New: func() caddy.Module { return new(Transport) }}
}

// Provision resolves the keys and prepares the connections.
func (t *Transport) Provision(ctx caddy.Context) (err error) {
	defer gate.Tell(t, "agent_backend")(&err)
	t.logger = ctx.Logger()
	app, err := gate.AppOf(ctx)
	if err != nil {
		return err
	}
	t.app = app
	if t.Header == "" {
		t.Header = "X-API-KEY"
	}
	t.Header = http.CanonicalHeaderKey(t.Header)
	var mistakes []error
	if !httpguts.ValidHeaderFieldName(t.Header) {
		mistakes = append(mistakes, places.At(fmt.Errorf("header %q: this is not a header name", t.Header), "header"))
	}
	t.key, err = backendKey("key", t.Key, app.Resolve)
	mistakes = append(mistakes, err)
	t.socketKey, err = backendKey("socket_key", t.SocketKey, app.ResolveOptional)
	mistakes = append(mistakes, err)
	mistakes = append(mistakes, t.checkScheme())
	events.Conceal(slices.Concat(t.key, t.socketKey)...)
	events.ConcealName(t.Header)
	if t.socketKey == nil {
		t.socketKey = t.key
	}
	t.value, t.socketValue = t.withScheme(t.key), t.withScheme(t.socketKey)
	t.listens, err = app.ResolveOptional(t.Listens)
	mistakes = append(mistakes, err)
	mistakes = append(mistakes, t.provisionAnswers(), t.provisionSpread(ctx))
	if err := errors.Join(mistakes...); err != nil {
		return fmt.Errorf("transport agent_backend: %w", err)
	}
	if err := t.HTTPTransport.Provision(ctx); err != nil {
		return err
	}
	t.HTTPTransport.Transport.DialContext = t.dialer(t.HTTPTransport.Transport.DialContext)
	return nil
}

// checkScheme refuses what no backend can read.
func (t *Transport) checkScheme() error {
	if strings.ContainsFunc(t.Scheme, func(r rune) bool { return !httpguts.IsTokenRune(r) }) {
		return fmt.Errorf("header %s: %q is no scheme, such as Bearer", t.Header, t.Scheme)
	}
	if t.Header == "Authorization" && t.Scheme == "" && len(t.key) > 0 && !strings.Contains(t.key[0], " ") {
		return errors.New("header Authorization: the key would stand there without a scheme, as no backend reads it: write `header Authorization Bearer`")
	}
	return nil
}

// withScheme is the header's value for a key.
func (t *Transport) withScheme(key []string) []string {
	if t.Scheme == "" || key == nil {
		return key
	}
	return []string{t.Scheme + " " + key[0]}
}

// backendKey resolves a key to a header's values; nil if there is none.
func backendKey(name, value string, resolve gate.Resolver) ([]string, error) {
	if value == "" {
		return nil, nil
	}
	if !gate.IsPlaceholder(value) {
		return nil, errLiteral(name)
	}
	key, err := resolve(value)
	if err != nil || key == "" {
		return nil, places.At(err, name, value)
	}
	if !httpguts.ValidHeaderFieldValue(key) {
		return nil, places.At(fmt.Errorf("%s %s: the value cannot stand in a header", name, value), name, value)
	}
	return []string{key}, nil
}

func errLiteral(name string) error {
	return fmt.Errorf("%s: the backend's key may not stand in the clear in the configuration: write {env.NAME} or {file./path}", name)
}

// RoundTrip sends the request to the backend.
func (t *Transport) RoundTrip(r *http.Request) (*http.Response, error) {
	req := gate.From(r.Context())
	if req != nil {
		if err := t.check(r, req); err != nil {
			return nil, err
		}
	}
	sent := t.outgoing(r, req)
	if req != nil {
		if req.Socket != nil {
			if err := checkSocket(&sent.Request, req); err != nil {
				return nil, err
			}
		}
		req.Passed(r.Context())
	}
	source := t.takeSource(sent)
	// The proxy made r for this round trip and prints it afterwards, headers
	// and all, whenever a client leaves in the middle of a stream.
	events.StripRequest(r, headersForLogs(r, req))
	t.cleanEarly(r)
	res, err := t.HTTPTransport.RoundTrip(&sent.Request)
	if source != nil {
		sent.giveBack(source, res)
	}
	if err != nil {
		return nil, err
	}
	t.clean(res)
	if req != nil && req.Socket != nil && res.StatusCode == http.StatusSwitchingProtocols {
		return readSocket(res, r, req)
	}
	if res.StatusCode == http.StatusTooManyRequests {
		t.reportLimit(r, req)
	}
	if err := errors.Join(t.tidyError(res), t.conceal(res, req)); err != nil {
		_ = res.Body.Close()
		return nil, err
	}
	return res, nil
}

// Sit tells which scopes callers are asked for.
func (t *Transport) Sit(site *gate.SitePortrait) {
	for _, concealed := range t.Conceal {
		if concealed.Unless != "" {
			site.Scopes = append(site.Scopes, concealed.Unless)
		}
	}
}

// SitUpstream tells of the way to the backend.
func (t *Transport) SitUpstream(upstream *gate.UpstreamPortrait) {
	upstream.Backend = t.Errors
	host, _, _ := net.SplitHostPort(upstream.Address)
	if !t.spreads || upstream.TLS || t.ProxyProtocol != "" || !isLoopback4("tcp", host) {
		return
	}
	for _, share := range t.Spread {
		upstream.Spread = append(upstream.Spread, gate.SharePortrait{Requests: share.Requests, Paths: share.Paths})
	}
}

var identity = []string{"identity"}

// check refuses a request whose path nobody has checked in the form in which
// it would reach the backend.
func (t *Transport) check(r *http.Request, req *gate.Request) error {
	if err := req.CheckPath(); err != nil {
		var refusal *gate.Refusal
		if errors.As(err, &refusal) {
			req.Refuse(refusal)
		}
		return gate.ErrCutOff
	}
	if r.URL.Path == req.Path() && r.URL.RawPath == "" {
		return nil
	}
	t.logger.Error("the path was rewritten after it had been checked, so no check on it holds: "+
		"put rewrite, uri and handle_path before the agent directives",
		zap.String("request_id", req.ID))
	req.Refuse(&gate.Refusal{Status: http.StatusInternalServerError, Code: "INTERNAL_ERROR", Message: "Internal error"})
	return gate.ErrCutOff
}

// outgoing is a request as the backend gets it, with what lies at hand for it.
type outgoing struct {
	http.Request
	url  url.URL // the request's, where it comes from a source of its own
	body lent    // the response's, likewise
}

// outgoing returns the request as the backend gets it: with the backend's key,
// if agent_auth has let it pass, and asking for answers that can be looked into.
// It is a copy with a header map of its own, since the original goes to Caddy's
// logs.
func (t *Transport) outgoing(r *http.Request, req *gate.Request) *outgoing {
	sent := &outgoing{Request: *r}
	sent.Header = maps.Clone(r.Header)
	if req != nil && req.Principal != nil {
		value := t.value
		if urlpath.Under(r.URL.Path, gate.SocketIO) {
			value = t.socketValue
		}
		if value != nil && r.Method != http.MethodTrace { // whose answer is the request, headers and all
			sent.Header[t.Header] = value
		}
	}
	if t.Errors != "" || len(t.Conceal) > 0 {
		sent.Header["Accept-Encoding"] = identity
	}
	return sent
}

var (
	_ caddy.Provisioner = (*Transport)(nil)
	_ gate.Backend      = (*Transport)(nil)
)
