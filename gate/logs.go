package gate

import (
	"context"
	"crypto/rand"
	"encoding/base64"
	"errors"
	"fmt"
	"maps"
	"net/http"
	"slices"
	"strings"

	"github.com/caddyserver/caddy/v2"
	"github.com/caddyserver/caddy/v2/modules/caddyhttp"
	"go.uber.org/zap"
	"go.uber.org/zap/zapcore"
)

// UnredactedLog is the finding of a log that would print the keys of requests.
var UnredactedLog = RegisterFinding("unredacted_log")

// The loggers of Caddy's that print requests.
const (
	accessLogger = "http.log.access"
	errorLogger  = "http.log.error"
	proxyLogger  = "http.handlers.reverse_proxy"
)

// checkLogs refuses logs that would print the keys of requests to a guarded
// site that is being provisioned. It asks the encoders themselves, by having them encode a request
// with a key made up on the spot, of which nothing is written. What they are
// called, or how they are configured, proves nothing.
func (a *App) checkLogs(s *site) error {
	var leaks []string
	for _, logger := range s.accessLoggers() {
		if a.leaks(logger, s.server) {
			leaks = append(leaks, logger)
		}
	}
	// These print requests too: with an access log on, somebody reads them;
	// and where debugging is on, they print every request.
	for _, logger := range []string{errorLogger, proxyLogger} {
		if (s.logged() || a.loggerOf(logger).Core().Enabled(zapcore.DebugLevel)) && a.leaks(logger, s.server) {
			leaks = append(leaks, logger)
		}
	}
	if len(leaks) == 0 {
		return nil
	}
	return a.judge(s, UnredactedLog, s.leakError(leaks))
}

// leakError says which logs print keys, and the lines that cure it.
func (s *site) leakError(loggers []string) error {
	var b strings.Builder
	fmt.Fprintf(&b, "the log of %s would print the keys of requests, in the loggers %s. ", s.name(), strings.Join(loggers, ", "))
	b.WriteString("Write into the global options\n\n\tlog {\n\t\tformat agent\n\t}\n\nand the line `format agent` into each `log` block of the site; where a `format` stands already, put it inside:\n\n\tformat agent {\n\t\twrap json\n\t}\n")
	return errors.New(b.String())
}

// name is how messages call the site.
func (s *site) name() string {
	var hosts []string
	for _, m := range s.hosts {
		hosts = append(hosts, m...)
	}
	if len(hosts) == 0 {
		return "the site on " + strings.Join(s.server.Listen, ", ")
	}
	return strings.Join(hosts, ", ")
}

// logged reports whether the site has an access log.
func (s *site) logged() bool { return len(s.accessLoggers()) > 0 }

// accessLoggers are the loggers that lines of the site's requests go to, those
// of requests for a host that no site has among them.
func (s *site) accessLoggers() []string {
	logs := s.server.Logs
	if logs == nil {
		return nil
	}
	names := make(map[string]bool)
	for _, name := range s.loggers {
		names[name] = true
	}
	byHost := func(host string) {
		for _, name := range logs.LoggerNames[strings.ToLower(host)] {
			names[name] = true
		}
	}
	for _, m := range s.hosts {
		for _, host := range m {
			byHost(host)
			if _, parent, has := strings.Cut(host, "."); has {
				byHost("*." + parent)
			}
		}
	}
	if s.all {
		for host := range logs.LoggerNames {
			byHost(host)
		}
	}
	if !logs.SkipUnmappedHosts && !s.skipped(logs) {
		names[logs.DefaultLoggerName] = true
	}
	var loggers []string
	for _, name := range slices.Sorted(maps.Keys(names)) {
		loggers = append(loggers, fullName(name))
	}
	return loggers
}

// skipped reports whether the site has no access log, though others of its
// server have one.
func (s *site) skipped(logs *caddyhttp.ServerLogConfig) bool {
	for _, m := range s.hosts {
		for _, host := range m {
			if !slices.Contains(logs.SkipHosts, host) {
				return false
			}
		}
	}
	return len(s.hosts) > 0
}

// named is a module that exists by its name only: Caddy gives out loggers to modules.
type named string

func (n named) CaddyModule() caddy.ModuleInfo { return caddy.ModuleInfo{ID: caddy.ModuleID(n)} }

func (a *App) loggerOf(name string) *zap.Logger { return a.ctx.Logger(named(name)) }

// leaks reports whether an encoder behind a logger lets keys through.
func (a *App) leaks(logger string, server *caddyhttp.Server) bool {
	name := logger
	if logger == accessLogger {
		// Asked for the name alone, Caddy adds the logs of all names below it.
		name += ".gatehouse"
	}
	p := &probe{credentials: server.Logs != nil && server.Logs.ShouldLogCredentials}
	a.loggerOf(name).Core().With([]zapcore.Field{zap.Inline(p)})
	return p.leaked
}

// probe is a log field that meets the real encoders, because each of them is
// asked to encode it, and tries them.
type probe struct {
	credentials bool
	leaked      bool
}

func (p *probe) MarshalLogObject(enc zapcore.ObjectEncoder) error {
	encoder, ok := enc.(zapcore.Encoder)
	if !ok {
		p.leaked = true // it cannot be tried
		return nil
	}
	for _, key := range canaries() {
		for _, r := range canaryRequests(key) {
			request := zap.Object("request", caddyhttp.LoggableHTTPRequest{Request: r, ShouldLogCredentials: p.credentials})
			line, err := encoder.Clone().EncodeEntry(zapcore.Entry{Message: "handled request", LoggerName: accessLogger}, []zapcore.Field{request})
			if err != nil {
				p.leaked = true
				continue
			}
			p.leaked = p.leaked || strings.Contains(line.String(), key)
			line.Free()
		}
	}
	return nil
}

// canaries are a key with the layout of ours and one as operators make them.
func canaries() [2]string {
	random := make([]byte, 24)
	_, _ = rand.Read(random) // never fails
	return [2]string{"agk_" + rand.Text() + rand.Text()[:10], base64.RawURLEncoding.EncodeToString(random) + "0a"}
}

// canaryRequests are requests with a key in the places where Caddy prints it.
func canaryRequests(key string) []*http.Request {
	var requests []*http.Request
	for _, put := range []func(r *http.Request){
		func(r *http.Request) { r.Header.Set("X-API-KEY", key) },
		func(r *http.Request) { r.Header.Set("Authorization", "Bearer "+key) },
		func(r *http.Request) { r.Header.Set("Cookie", "gatehouse="+key) },
		func(r *http.Request) { r.Header.Set("Referer", "https://agents.example.com/?api_key="+key) },
		func(r *http.Request) { r.RequestURI = "/api/agents?api_key=" + key },
	} {
		r := &http.Request{Method: http.MethodGet, Proto: "HTTP/1.1", Host: "agents.example.com", RequestURI: "/api/agents", Header: make(http.Header)}
		put(r)
		ctx := context.WithValue(r.Context(), caddyhttp.VarsCtxKey, map[string]any{})
		requests = append(requests, r.WithContext(ctx))
	}
	return requests
}
