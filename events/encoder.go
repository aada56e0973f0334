package events

import (
	"encoding/json"
	"fmt"
	"os"
	"slices"

	"github.com/caddyserver/caddy/v2"
	"github.com/caddyserver/caddy/v2/caddyconfig"
	"github.com/caddyserver/caddy/v2/caddyconfig/caddyfile"
	"github.com/caddyserver/caddy/v2/modules/logging"
	"go.uber.org/zap"
	"go.uber.org/zap/buffer"
	"go.uber.org/zap/zapcore"
	"golang.org/x/term"
)

func init() { caddy.RegisterModule(new(Encoder)) }

// Encoder is a log encoder that takes secrets out of each line and has another
// encoder write it.
//
// It takes out the values of headers, query parameters and cookies whose names
// tell of a secret, whatever has the layout of a key of ours (agk_...), the
// credentials of a URL and those behind Bearer and Basic, and the secrets that
// the configuration reads from the environment and from files. What a request
// presented as a credential is taken out wherever else the line holds it:
// its URI, Referer and other headers, the message, an error. Text is looked at
// in the clear and percent-encoded. In the place of each stands REDACTED.
type Encoder struct {
	// The encoder that writes the line. Default: console on a terminal, else json.
	WrappedRaw json.RawMessage `json:"wrap,omitempty" caddy:"namespace=caddy.logging.encoders inline_key=format"`

	object  `json:"-"`
	wrapped zapcore.Encoder
	ctx     caddy.Context
}

// CaddyModule returns the Caddy module information.
func (*Encoder) CaddyModule() caddy.ModuleInfo {
	return caddy.ModuleInfo{ID: "caddy.logging.encoders.agent", New: func() caddy.Module { return new(Encoder) }}
}

// UnmarshalCaddyfile sets up the encoder from Caddyfile tokens. Syntax:
//
//	agent {
//		wrap <encoder>
//	}
func (e *Encoder) UnmarshalCaddyfile(d *caddyfile.Dispenser) error {
	d.Next()
	if d.NextArg() {
		return d.ArgErr()
	}
	for d.NextBlock(0) {
		switch {
		case d.Val() != "wrap":
			return d.Errf("unknown option %s: format agent takes `wrap <encoder>`", d.Val())
		case e.WrappedRaw != nil:
			return d.Err("the option wrap is there twice")
		case !d.NextArg():
			return d.ArgErr()
		}
		name := d.Val()
		encoder, err := caddyfile.UnmarshalModule(d, "caddy.logging.encoders."+name)
		if err != nil {
			return err
		}
		e.WrappedRaw = caddyconfig.JSONModuleObject(encoder, "format", name, nil)
	}
	return nil
}

// Provision loads the encoder that writes the lines.
func (e *Encoder) Provision(ctx caddy.Context) error {
	e.ctx = ctx
	if e.WrappedRaw == nil {
		return e.wrapDefault(new(logging.JSONEncoder))
	}
	loaded, err := ctx.LoadModule(e, "WrappedRaw")
	if err != nil {
		return fmt.Errorf("loading the encoder that format agent wraps: %w", err)
	}
	encoder, ok := loaded.(zapcore.Encoder)
	if !ok {
		return fmt.Errorf("format agent cannot wrap %T, which is no encoder", loaded)
	}
	e.wrap(encoder)
	return nil
}

// ConfigureDefaultFormat chooses the wrapped encoder as Caddy chooses its
// default: for people on a terminal, for machines elsewhere.
func (e *Encoder) ConfigureDefaultFormat(writer caddy.WriterOpener) error {
	if e.WrappedRaw != nil {
		if inner, ok := e.wrapped.(caddy.ConfiguresFormatterDefault); ok {
			return inner.ConfigureDefaultFormat(writer)
		}
		return nil
	}
	if caddy.IsWriterStandardStream(writer) && term.IsTerminal(int(os.Stderr.Fd())) {
		return e.wrapDefault(new(logging.ConsoleEncoder))
	}
	return nil
}

func (e *Encoder) wrapDefault(encoder zapcore.Encoder) error {
	if p, ok := encoder.(caddy.Provisioner); ok {
		if err := p.Provision(e.ctx); err != nil {
			return err
		}
	}
	e.wrap(encoder)
	return nil
}

func (e *Encoder) wrap(encoder zapcore.Encoder) {
	e.wrapped = encoder
	e.object = object{ObjectEncoder: encoder}
}

// Clone copies the encoder with the fields that it has been given.
func (e *Encoder) Clone() zapcore.Encoder {
	copied := new(Encoder)
	copied.wrap(e.wrapped.Clone())
	copied.learned = slices.Clip(e.learned)
	return copied
}

// EncodeEntry has the wrapped encoder write a line without the secrets in it.
func (e *Encoder) EncodeEntry(entry zapcore.Entry, fields []zapcore.Field) (*buffer.Buffer, error) {
	learned := learnFields(slices.Clip(e.learned), fields)
	entry.Message = redact(entry.Message, learned)
	entry.Stack = redact(entry.Stack, learned)
	if len(fields) == 0 {
		return e.wrapped.EncodeEntry(entry, nil)
	}
	return e.wrapped.EncodeEntry(entry, []zapcore.Field{zap.Inline(redactedFields{fields, learned})})
}

// redactedFields are the fields of a line, redacted as they are written.
type redactedFields struct {
	fields  []zapcore.Field
	learned []string
}

func (r redactedFields) MarshalLogObject(enc zapcore.ObjectEncoder) error {
	o := &object{ObjectEncoder: enc, learned: r.learned}
	for i := range r.fields {
		r.fields[i].AddTo(o)
	}
	return nil
}

var (
	_ caddy.Provisioner                = (*Encoder)(nil)
	_ caddyfile.Unmarshaler            = (*Encoder)(nil)
	_ caddy.ConfiguresFormatterDefault = (*Encoder)(nil)
	_ zapcore.Encoder                  = (*Encoder)(nil)
)
