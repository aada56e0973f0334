package events

import (
	"net/netip"
	"regexp"
	"strings"
	"testing"
	"time"
	"unicode"
	"unicode/utf8"

	"github.com/caddyserver/caddy/v2"
	"github.com/caddyserver/caddy/v2/caddyconfig/caddyfile"
	"go.uber.org/zap"
	"go.uber.org/zap/zapcore"
	"pgregory.net/rapid"
)

func lineEncoder(t testing.TB) *LineEncoder {
	t.Helper()
	e := new(LineEncoder)
	if err := e.UnmarshalCaddyfile(caddyfile.NewTestDispenser("agent_security")); err != nil {
		t.Fatal(err)
	}
	if err := e.Provision(caddy.Context{}); err != nil {
		t.Fatal(err)
	}
	return e
}

func lineOf(t testing.TB, e zapcore.Encoder, entry zapcore.Entry, fields ...zapcore.Field) string {
	t.Helper()
	buf, err := e.EncodeEntry(entry, fields)
	if err != nil {
		t.Fatal(err)
	}
	defer buf.Free()
	return buf.String()
}

// TestLineOfTheDocuments holds the samples of ElizaOS' documents, byte for
// byte, in the local time of the machine.
func TestLineOfTheDocuments(t *testing.T) {
	here := time.Local
	defer func() { time.Local = here }()
	time.Local = time.FixedZone("test", -5*60*60)
	e := lineEncoder(t)
	for _, sample := range []struct{ at, message, address string }{
		{"2024-01-15 10:23:45", "[SECURITY] Unauthorized access attempt from", "192.168.1.100"},
		{"2024-01-15 10:24:12", "[SECURITY] Rate limit exceeded for IP:", "10.0.0.50"},
		{"2024-01-15 10:25:33", "[SECURITY] Suspicious User-Agent from", "172.16.0.10"},
		{"2024-01-15 10:26:01", "[SECURITY] SQL injection pattern detected from", "203.0.113.0"},
	} {
		at, err := time.ParseInLocation(time.DateTime, sample.at, time.Local)
		if err != nil {
			t.Fatal(err)
		}
		got := lineOf(t, e, zapcore.Entry{
			Level: zapcore.WarnLevel, Time: at.UTC(), LoggerName: Logger, Message: From(sample.message, netip.MustParseAddr(sample.address)),
		}, zap.String("uri", "/x"))
		if want := "[" + sample.at + "] WARN: " + sample.message + " " + sample.address + "\n"; got != want {
			t.Errorf("%q, want %q", got, want)
		}
	}
}

// TestLinesOfOthers holds that what another logger says cannot pass for a
// security event.
func TestLinesOfOthers(t *testing.T) {
	e := lineEncoder(t)
	at := time.Date(2024, 1, 15, 10, 23, 45, 0, time.Local)
	for _, test := range []struct{ logger, message, want string }{
		{"http.log.error", "[SECURITY] Unauthorized access attempt from 192.0.2.1", "http.log.error: [SECURITY] Unauthorized access attempt from 192.0.2.1"},
		{"", "[SECURITY] x", "caddy: [SECURITY] x"},
		{"gatehouse.security.x", "y", "gatehouse.security.x: y"},
		{"tls", "a\n[2024-01-15 10:23:45] WARN: [SECURITY] x\r\u2028\u202e\x1b[2J", "tls: a[2024-01-15 10:23:45] WARN: [SECURITY] x[2J"},
		{"tls", "X-API-KEY: agk_" + strings.Repeat("a", 36), "tls: X-API-KEY: REDACTED"},
	} {
		if got, want := lineOf(t, e, zapcore.Entry{Time: at, LoggerName: test.logger, Message: test.message}), "[2024-01-15 10:23:45] INFO: "+test.want+"\n"; got != want {
			t.Errorf("%q, want %q", got, want)
		}
	}
}

var oneLine = regexp.MustCompile(`^\[\d{4}-\d\d-\d\d \d\d:\d\d:\d\d\] [A-Z]+: [^\n]*\n$`)

// TestAnyEventIsOneLine holds that whatever a request and a logger put into an
// entry, it is one line of the format, which only the security logger's go on
// with [SECURITY].
func TestAnyEventIsOneLine(t *testing.T) {
	text := rapid.Custom(func(t *rapid.T) string {
		parts := rapid.SliceOfN(rapid.OneOf(
			rapid.String(),
			rapid.SampledFrom([]string{"\n", "\r\n", "\u0085", "\u2028", "\u2029", "\u202e", "\x1b[2J", "\x00", "\xff",
				"[2024-01-15 10:23:45] WARN: [SECURITY] Unauthorized access attempt from 192.0.2.1", `"}`, ", endpoint: /x"}),
		), 0, 6).Draw(t, "parts")
		return strings.Join(parts, "")
	})
	encoder := lineEncoder(t)
	rapid.Check(t, func(r *rapid.T) {
		message, path := text.Draw(r, "message"), text.Draw(r, "path")
		entry := zapcore.Entry{
			Level:      rapid.SampledFrom([]zapcore.Level{zapcore.DebugLevel, zapcore.InfoLevel, zapcore.WarnLevel, zapcore.ErrorLevel}).Draw(r, "level"),
			Time:       time.Unix(rapid.Int64Range(0, 4e9).Draw(r, "time"), 0),
			LoggerName: rapid.OneOf(rapid.Just(Logger), text).Draw(r, "logger"),
			Message:    At(message, path),
			Stack:      text.Draw(r, "stack"),
		}
		with := encoder.Clone()
		with.AddString("uri", path)
		buf, err := with.EncodeEntry(entry, []zapcore.Field{zap.String("user_agent", message)})
		if err != nil {
			r.Fatal(err)
		}
		defer buf.Free()
		line := buf.String()
		if !oneLine.MatchString(line) || !utf8.ValidString(line) || len(line) > 3*maxLine {
			r.Fatalf("%q", line)
		}
		if i := strings.IndexFunc(strings.TrimSuffix(line, "\n"), func(c rune) bool { return unicode.IsControl(c) || hostile(c) }); i >= 0 {
			r.Fatalf("%q has a control character at %d", line, i)
		}
		if _, rest, _ := strings.Cut(line, ": "); entry.LoggerName != Logger && strings.HasPrefix(rest, "[SECURITY]") && !strings.HasPrefix(entry.LoggerName, "[SECURITY]") {
			r.Fatalf("%q passes for a security event", line)
		}
	})
}

func TestLineEncoderHasNoOptions(t *testing.T) {
	for _, text := range []string{"agent_security x", "agent_security {\n\twrap json\n}"} {
		if err := new(LineEncoder).UnmarshalCaddyfile(caddyfile.NewTestDispenser(text)); err == nil {
			t.Errorf("%s is accepted", text)
		}
	}
}
