package events

import (
	"github.com/caddyserver/caddy/v2"
	"github.com/caddyserver/caddy/v2/caddyconfig/caddyfile"
	"go.uber.org/zap/buffer"
	"go.uber.org/zap/zapcore"
)

func init() { caddy.RegisterModule(new(LineEncoder)) }

// Logger is the name of the logger of security events, by which Caddy's
// option `log` selects them.
const Logger = "gatehouse.security"

// LineEncoder is a log encoder that writes security events in the format of
// ElizaOS' documents, one event a line, in local time:
//
//	[2024-01-15 10:23:45] WARN: [SECURITY] Unauthorized access attempt from 192.168.1.100
//
// The fields of the events are not written: for them, use json. What other
// loggers write has the logger's name before the message, so that no line but
// a security event's goes on with [SECURITY]. Whatever is in a message, it
// makes one line, without a control character or a secret in it.
type LineEncoder struct {
	// The fields that a logger adds are kept here and never written.
	*zapcore.MapObjectEncoder `json:"-"`
}

// CaddyModule returns the Caddy module information.
func (*LineEncoder) CaddyModule() caddy.ModuleInfo {
	return caddy.ModuleInfo{ID: "caddy.logging.encoders.agent_security", New: func() caddy.Module { return new(LineEncoder) }}
}

// UnmarshalCaddyfile sets up the encoder from Caddyfile tokens. It has no options.
func (*LineEncoder) UnmarshalCaddyfile(d *caddyfile.Dispenser) error {
	d.Next()
	if d.NextArg() {
		return d.ArgErr()
	}
	if d.NextBlock(0) {
		return d.Errf("unknown option %s: format agent_security has none", d.Val())
	}
	return nil
}

// Provision makes the encoder ready for fields.
func (e *LineEncoder) Provision(caddy.Context) error {
	e.MapObjectEncoder = zapcore.NewMapObjectEncoder()
	return nil
}

// Clone makes another encoder; the fields are not written, so none is copied.
func (e *LineEncoder) Clone() zapcore.Encoder {
	return &LineEncoder{zapcore.NewMapObjectEncoder()}
}

// maxLine bounds what a line holds of a message, in bytes.
const maxLine = 2048

var lines = buffer.NewPool()

// EncodeEntry writes one line.
func (e *LineEncoder) EncodeEntry(entry zapcore.Entry, _ []zapcore.Field) (*buffer.Buffer, error) {
	line := lines.Get()
	line.AppendByte('[')
	line.AppendTime(entry.Time.Local(), "2006-01-02 15:04:05")
	line.AppendString("] ")
	line.AppendString(entry.Level.CapitalString())
	line.AppendString(": ")
	if entry.LoggerName != Logger {
		name := entry.LoggerName
		if name == "" {
			name = "caddy"
		}
		line.AppendString(Text(name, maxLine))
		line.AppendString(": ")
	}
	line.AppendString(Text(Redact(entry.Message), maxLine))
	line.AppendByte('\n')
	return line, nil
}

var (
	_ caddy.Provisioner     = (*LineEncoder)(nil)
	_ caddyfile.Unmarshaler = (*LineEncoder)(nil)
	_ zapcore.Encoder       = (*LineEncoder)(nil)
)
