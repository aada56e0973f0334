package gate

import (
	"io"
	"net"
	"net/http"
	"strings"
	"time"

	"github.com/caddyserver/caddy/v2"
	"github.com/caddyserver/caddy/v2/modules/caddyhttp"
	"github.com/caddyserver/certmagic"
	"github.com/gatehouse-dev/caddy-gatehouse/events"
	"go.uber.org/zap"
	"go.uber.org/zap/zapcore"
)

// accessLog writes the access log of a site whose logs would print keys, which
// its operator has accepted: Caddy's line is skipped, and the same line is
// written redacted by the logger of the same name. Fields of `log_append` are
// not in it, since Caddy shows them to nobody.
type accessLog struct {
	app    *App
	server *caddyhttp.Server
}

// begin starts to watch a request. The caller calls done when all that is to
// be written to the response has been.
func (l *accessLog) begin(w http.ResponseWriter, r *http.Request) (watched http.ResponseWriter, done func()) {
	if !l.wanted(r) {
		return w, func() {}
	}
	start := time.Now()
	request := events.RedactRequest(r) // handlers will change r
	recorder := caddyhttp.NewResponseRecorder(w, nil, nil)
	body := &countingBody{ReadCloser: r.Body}
	if r.Body != nil {
		r.Body = body
	}
	return recorder, func() {
		if skip, _ := caddyhttp.GetVar(r.Context(), caddyhttp.LogSkipVar).(bool); skip {
			return // the operator's own log_skip
		}
		caddyhttp.SetVar(r.Context(), caddyhttp.LogSkipVar, true)
		fields := []zap.Field{
			zap.Object("request", caddyhttp.LoggableHTTPRequest{Request: request}),
			zap.Int("bytes_read", body.read),
			zap.String("user_id", userID(r)),
			zap.Duration("duration", time.Since(start)),
			zap.Int("size", recorder.Size()),
			zap.Int("status", recorder.Status()),
			zap.Object("resp_headers", caddyhttp.LoggableHTTPHeader{Header: events.RedactHeader(recorder.Header())}),
		}
		for _, name := range l.names(r) {
			if entry := l.app.loggerOf(name).Check(level(r, recorder.Status()), "handled request"); entry != nil {
				entry.Write(fields...)
			}
		}
	}
}

type countingBody struct {
	io.ReadCloser
	read int
}

func (b *countingBody) Read(p []byte) (int, error) {
	n, err := b.ReadCloser.Read(p)
	b.read += n
	return n, err
}

func userID(r *http.Request) string {
	repl, _ := r.Context().Value(caddy.ReplacerCtxKey).(*caddy.Replacer)
	if repl == nil {
		return ""
	}
	id, _ := repl.GetString("http.auth.user.id")
	return id
}

// level is the level that Caddy gives the line.
func level(r *http.Request, status int) zapcore.Level {
	if name, ok := caddyhttp.GetVar(r.Context(), caddyhttp.LogLevelVar).(string); ok {
		if chosen, err := zapcore.ParseLevel(name); err == nil && chosen >= zapcore.DebugLevel && chosen <= zapcore.ErrorLevel {
			return chosen
		}
	}
	if status >= http.StatusInternalServerError {
		return zapcore.ErrorLevel
	}
	return zapcore.InfoLevel
}

func hostOf(r *http.Request) string {
	if host, _, err := net.SplitHostPort(r.Host); err == nil {
		return host
	}
	return r.Host
}

// wanted reports whether Caddy would write a line for the request.
func (l *accessLog) wanted(r *http.Request) bool {
	logs := l.server.Logs
	if logs == nil {
		return false
	}
	host := hostOf(r)
	for mapped := range logs.LoggerNames {
		if certmagic.MatchWildcard(host, mapped) {
			return true
		}
	}
	for _, skipped := range logs.SkipHosts {
		if certmagic.MatchWildcard(host, skipped) {
			return false
		}
	}
	return !logs.SkipUnmappedHosts
}

// names are the loggers that Caddy would write the line by.
func (l *accessLog) names(r *http.Request) []string {
	chosen, ok := caddyhttp.GetVar(r.Context(), caddyhttp.AccessLoggerNameVarKey).([]any)
	var names []string
	if ok {
		for _, name := range chosen {
			text, _ := name.(string)
			names = append(names, fullName(text))
		}
		return names
	}
	for _, name := range l.byHost(strings.ToLower(hostOf(r))) {
		names = append(names, fullName(name))
	}
	return names
}

func (l *accessLog) byHost(host string) []string {
	logs := l.server.Logs
	if names, ok := logs.LoggerNames[host]; ok {
		return names
	}
	labels := strings.Split(host, ".")
	for i := range labels {
		if labels[i] == "" {
			continue
		}
		labels[i] = "*"
		if names, ok := logs.LoggerNames[strings.Join(labels, ".")]; ok {
			return names
		}
	}
	return []string{logs.DefaultLoggerName}
}

// fullName is the name of an access logger as logs are told to include it.
func fullName(name string) string {
	if name == "" {
		return accessLogger
	}
	return accessLogger + "." + name
}
