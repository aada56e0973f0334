package gate

import (
	"context"
	"crypto/tls"
	"errors"
	"fmt"
	"io"
	"net"
	"net/http"
	"net/netip"
	"slices"
	"strings"
	"time"

	"github.com/caddyserver/caddy/v2"
	"github.com/caddyserver/caddy/v2/modules/caddyhttp"
	"github.com/caddyserver/caddy/v2/modules/caddyhttp/headers"
	"github.com/caddyserver/caddy/v2/modules/caddyhttp/reverseproxy"
	"github.com/caddyserver/caddy/v2/modules/caddyhttp/rewrite"
	"github.com/gatehouse-dev/caddy-gatehouse/events"
)

// Trial tells what would become of a request. The request goes through the
// handlers of the configuration that runs, each of which judges it as ever;
// nothing is counted, reported or remembered, and the backend is not asked.
type Trial struct {
	// Request is the method and the target, without secrets.
	Request string `json:"request"`
	Client  string `json:"client_ip"`
	// Server is the server's name in the configuration.
	Server string `json:"server"`
	// Steps are the handlers that it met, in order.
	Steps []Tried `json:"steps"`
	// Refused is how it ends, if it is refused.
	Refused *Refused `json:"refused,omitempty"`
	// Answer is how it ends otherwise: the backend would be asked, or a handler answers.
	Answer string `json:"answer,omitempty"`

	key string // to be presented where the site accepts one
}

// Tried is one handler's part in a trial.
type Tried struct {
	// Step is the handler, by its name in a Caddyfile.
	Step string `json:"step"`
	// Outcome is passes, refuses, answers, or skipped: a handler that is not the
	// gate's and is not run in a trial.
	Outcome string `json:"outcome"`
	// Says is what the handler found out.
	Says []string `json:"says,omitempty"`
	// At and Line are where it stands, as in Refused.
	At   string `json:"at,omitempty"`
	Line string `json:"line,omitempty"`
}

// The outcomes of a step.
const (
	passes  = "passes"
	refuses = "refuses"
	answers = "answers"
	skipped = "skipped"
)

// trialVar is the name of the request variable that holds the *Trial.
const trialVar = "gatehouse.trial"

// Trial reports whether the request is only tried: what it does must leave no
// trace, neither in a counter nor anywhere else.
func (req *Request) Trial() bool { return req.trial != nil }

// TrialKey is the key that a trial is made with, empty for none. Whoever looks
// for keys knows where a client of the site would put it.
func (req *Request) TrialKey() string {
	if req.trial == nil {
		return ""
	}
	return req.trial.key
}

// Explain adds what a handler has found out to a trial; of any other request
// it is nothing.
func (req *Request) Explain(format string, args ...any) {
	if req.trial != nil {
		req.trial.say(fmt.Sprintf(format, args...))
	}
}

func (t *Trial) enter(step, outcome, at string) {
	t.Steps = append(t.Steps, Tried{Step: step, Outcome: outcome, At: at})
}

func (t *Trial) say(text string) {
	if n := len(t.Steps); n > 0 {
		t.Steps[n-1].Says = append(t.Steps[n-1].Says, text)
	}
}

// sees notes an event that a request that is no trial would be.
func (t *Trial) sees(e events.Event) {
	text := "would be the event " + string(e.Name)
	for _, detail := range []string{e.Class, e.Rule, e.Reason} {
		if detail != "" {
			text += ", " + detail
		}
	}
	t.say(text)
}

// refuse notes the end of the trial at the step that refuses.
func (t *Trial) refuse(told Refused) {
	told.ID = "" // nobody was given it
	t.Refused = &told
	for i := range t.Steps {
		if t.Steps[i].Step == told.Step {
			t.Steps[i].Outcome = refuses
			return
		}
	}
	t.enter(told.Step, refuses, told.At)
}

// Try tells what would become of a request. header is taken as it is; key, if
// there is one, is presented where the site accepts keys; client is the address
// that it comes from.
func (a *App) Try(method, target string, header http.Header, key string, body io.Reader, client netip.Addr) (*Trial, error) {
	r, err := http.NewRequest(method, target, body)
	if err != nil {
		return nil, err
	}
	if r.Host == "" {
		return nil, fmt.Errorf("%s has no host: write the whole URL, such as https://agents.example.com/api/agents", target)
	}
	r.Header = header
	r.RequestURI = r.URL.RequestURI()
	r.RemoteAddr = netip.AddrPortFrom(client, 1).String()
	if r.URL.Scheme == "https" {
		r.TLS = &tls.ConnectionState{ServerName: r.URL.Hostname(), HandshakeComplete: true}
	}
	repl := caddy.NewReplacer()
	ctx := context.WithValue(r.Context(), http.LocalAddrContextKey, net.Addr(new(net.TCPAddr)))
	r = r.WithContext(context.WithValue(ctx, caddy.ReplacerCtxKey, repl)) // matchers of hosts ask it
	name, server, err := a.serverOf(r)
	if err != nil {
		return nil, err
	}
	r.URL.Scheme, r.URL.Host = "", "" // as a server sees it
	t := &Trial{Request: r.Method + " " + events.Text(events.RedactFor(r, r.RequestURI), 512), Client: client.String(), Server: name, key: key}
	w := &trialWriter{header: make(http.Header)}
	r = caddyhttp.PrepareRequest(r, repl, w, server)
	caddyhttp.SetVar(r.Context(), trialVar, t)
	err = t.routes(server.Routes, end).ServeHTTP(w, r)
	switch {
	case t.Refused != nil || t.Answer != "":
	case err != nil:
		t.Answer = "a handler that is not the gate's fails: " + events.Text(events.RedactFor(r, err.Error()), 512)
	case w.status != 0:
		if n := len(t.Steps); n > 0 {
			t.Steps[n-1].Outcome = answers
		}
		t.Answer = fmt.Sprintf("it is answered with %d, without the backend", w.status)
	default:
		t.Answer = "no handler answers it: an empty 200"
	}
	return t, nil
}

// end is what stands behind all handlers.
var end = caddyhttp.HandlerFunc(func(http.ResponseWriter, *http.Request) error { return nil })

// serverOf is the server that a request would come to: the one that knows its
// host by name, or else one that answers every host.
func (a *App) serverOf(r *http.Request) (string, *caddyhttp.Server, error) {
	app := httpApp(a.ctx)
	if app == nil {
		return "", nil, errors.New("the configuration that runs serves no site")
	}
	_, port, _ := net.SplitHostPort(r.Host)
	var name string
	var best *caddyhttp.Server
	var hosts []string
	score, served := 0, false
	for candidate, server := range app.Servers {
		for _, s := range sitesOf(server) {
			if isRedirect(server.Routes[s.index]) {
				// Caddy redirects every host to https, those too that nobody has.
				if r.TLS != nil {
					continue
				}
			} else {
				served = served || s.answers(r)
				for _, names := range s.hosts {
					hosts = append(hosts, names...)
				}
			}
			points := 0
			if s.answers(r) {
				points = 1
			}
			if s.named(r) {
				points = 2
			}
			if points > 0 && listensOn(server, port, r.TLS != nil) {
				points += 2
			}
			if points > score || points == score && points > 0 && candidate < name {
				score, name, best = points, candidate, server
			}
		}
	}
	if !served {
		slices.Sort(hosts)
		return "", nil, fmt.Errorf("no site of the configuration that runs serves %s: it has %s", r.Host, listOf(slices.Compact(hosts)))
	}
	return name, best, nil
}

// maxListed is how many names an error lists.
const maxListed = 20

func listOf(names []string) string {
	if len(names) == 0 {
		return "none"
	}
	if more := len(names) - maxListed; more > 0 {
		return fmt.Sprintf("%s and %d more", strings.Join(names[:maxListed], ", "), more)
	}
	return strings.Join(names, ", ")
}

func listensOn(server *caddyhttp.Server, port string, secure bool) bool {
	if port == "" {
		port = "80"
		if secure {
			port = "443"
		}
	}
	for _, address := range server.Listen {
		if strings.HasSuffix(address, ":"+port) {
			return true
		}
	}
	return false
}

// routes makes a handler of routes as Caddy does, whose handlers are tried.
func (t *Trial) routes(routes caddyhttp.RouteList, next caddyhttp.Handler) caddyhttp.Handler {
	groups := make(map[string]bool)
	for i := len(routes) - 1; i >= 0; i-- {
		next = t.route(&routes[i], groups, next)
	}
	return next
}

func (t *Trial) route(route *caddyhttp.Route, groups map[string]bool, next caddyhttp.Handler) caddyhttp.Handler {
	return caddyhttp.HandlerFunc(func(w http.ResponseWriter, r *http.Request) error {
		match, err := route.MatcherSets.AnyMatchWithError(r)
		if err != nil {
			return err
		}
		if !match || route.Group != "" && groups[route.Group] {
			return next.ServeHTTP(w, r)
		}
		groups[route.Group] = true
		inside := next
		if route.Terminal {
			inside = end
		}
		for i := len(route.Handlers) - 1; i >= 0; i-- {
			inside = t.handler(route.Handlers[i], inside)
		}
		return inside.ServeHTTP(w, r)
	})
}

func (t *Trial) handler(handler caddyhttp.MiddlewareHandler, next caddyhttp.Handler) caddyhttp.Handler {
	return caddyhttp.HandlerFunc(func(w http.ResponseWriter, r *http.Request) error {
		name := "a handler"
		if module, ok := handler.(caddy.Module); ok {
			name = module.CaddyModule().ID.Name()
		}
		switch h := handler.(type) {
		case *caddyhttp.Subroute:
			return t.routes(h.Routes, next).ServeHTTP(w, r)
		case *reverseproxy.Handler:
			return t.proxy(h, r)
		case Step, *rewrite.Rewrite, *caddyhttp.VarsMiddleware, *headers.Handler, *caddyhttp.StaticResponse,
			caddyhttp.StaticResponse: // of Caddy's own redirects
			return handler.ServeHTTP(w, r, next)
		}
		t.enter(name, skipped, "")
		return next.ServeHTTP(w, r)
	})
}

// proxy is where a trial ends. What watches the body sees it.
func (t *Trial) proxy(h *reverseproxy.Handler, r *http.Request) error {
	if r.Body != nil {
		if _, err := io.Copy(io.Discard, r.Body); err != nil {
			return err
		}
	}
	t.enter("reverse_proxy", passes, "")
	t.Answer = "the backend would be asked: " + strings.Join(upstreamsOf(h), ", ")
	return nil
}

// trialWriter takes a response and keeps its status.
type trialWriter struct {
	header http.Header
	status int
}

func (w *trialWriter) Header() http.Header { return w.header }

func (w *trialWriter) WriteHeader(status int) {
	if w.status == 0 && status >= 200 {
		w.status = status
	}
}

func (w *trialWriter) Write(p []byte) (int, error) {
	w.WriteHeader(http.StatusOK)
	return len(p), nil
}

// concludes ends a trial with an error in the place of an answer.
func (d *Door) concludes(r *http.Request, req *Request, err error) {
	var f *Refusal
	if !errors.As(err, &f) {
		status := http.StatusInternalServerError
		if failed := (caddyhttp.HandlerError{}); errors.As(err, &failed) && failed.StatusCode != 0 {
			status = failed.StatusCode
		}
		f = foreignRefusal(status)
	}
	req.trial.Answer = ""
	req.trial.refuse(refused(r, req, f, time.Now()))
}
