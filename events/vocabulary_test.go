package events

import (
	"bytes"
	"encoding/json"
	"go/ast"
	"go/parser"
	"go/token"
	"net/netip"
	"os"
	"path/filepath"
	"strconv"
	"strings"
	"testing"
	"time"

	"github.com/caddyserver/caddy/v2"
	"github.com/caddyserver/caddy/v2/modules/logging"
	"github.com/santhosh-tekuri/jsonschema/v6"
	"github.com/stretchr/testify/require"
	"go.uber.org/zap"
	"go.uber.org/zap/zapcore"
	"pgregory.net/rapid"
)

// declared are the values of this package's constants of type Name.
func declared(t *testing.T) map[Name]bool {
	t.Helper()
	files, err := filepath.Glob("*.go")
	require.NoError(t, err)
	found := make(map[Name]bool)
	for _, file := range files {
		if strings.HasSuffix(file, "_test.go") {
			continue
		}
		parsed, err := parser.ParseFile(token.NewFileSet(), file, nil, 0)
		require.NoError(t, err)
		ast.Inspect(parsed, func(n ast.Node) bool {
			spec, ok := n.(*ast.ValueSpec)
			if !ok {
				return true
			}
			if kind, ok := spec.Type.(*ast.Ident); ok && kind.Name == "Name" && len(spec.Values) == 1 {
				value, err := strconv.Unquote(spec.Values[0].(*ast.BasicLit).Value)
				require.NoError(t, err)
				found[Name(value)] = true
			}
			return true
		})
	}
	require.Greater(t, len(found), 20)
	return found
}

func read(t *testing.T, name string) string {
	t.Helper()
	text, err := os.ReadFile(name)
	require.NoError(t, err)
	return string(text)
}

// TestVocabulary holds that every name in the code is in the vocabulary, in
// the documentation with its severity, and in the schema.
func TestVocabulary(t *testing.T) {
	names := declared(t)
	page := read(t, "../docs/events.md")
	schema := read(t, "../docs/events.schema.json")
	for _, kind := range Vocabulary() {
		require.True(t, names[kind.Name], "%s is no constant", kind.Name)
		delete(names, kind.Name)
		source := "ours"
		if kind.OWASP {
			source = "OWASP"
		}
		require.Contains(t, page, "| `"+string(kind.Name)+"` | "+kind.Level.String()+" | "+source+" |")
		require.Contains(t, schema, `"`+string(kind.Name)+`"`)
	}
	require.Empty(t, names, "not in the vocabulary")
	require.Equal(t, len(Vocabulary()), strings.Count(page, "| OWASP |")+strings.Count(page, "| ours |"), "the page lists others too")
}

func schemaOf(t *testing.T) *jsonschema.Schema {
	t.Helper()
	document, err := jsonschema.UnmarshalJSON(strings.NewReader(read(t, "../docs/events.schema.json")))
	require.NoError(t, err)
	compiler := jsonschema.NewCompiler()
	compiler.AssertFormat()
	require.NoError(t, compiler.AddResource("events.schema.json", document))
	schema, err := compiler.Compile("events.schema.json")
	require.NoError(t, err)
	return schema
}

// encoders write a line in each format that a security log may have.
func encoders(t testing.TB) map[string]zapcore.Encoder {
	t.Helper()
	plain := new(logging.JSONEncoder)
	console := new(logging.ConsoleEncoder)
	line := new(LineEncoder)
	ctx, cancel := caddy.NewContext(caddy.Context{Context: t.Context()})
	t.Cleanup(cancel)
	for _, p := range []caddy.Provisioner{plain, console, line} {
		require.NoError(t, p.Provision(ctx))
	}
	return map[string]zapcore.Encoder{"json": plain, "console": console, "line": line, "agent": newEncoder(t, formats["json"])}
}

// written is what a reporter writes of events, in one format.
func written(t testing.TB, encoder zapcore.Encoder, events ...Event) []byte {
	t.Helper()
	var log bytes.Buffer
	core := zapcore.NewCore(encoder.Clone(), zapcore.AddSync(&log), zapcore.DebugLevel)
	c := &testClock{time: time.Unix(1_700_000_000, 0)}
	r := newReporter(caddy.Context{Context: t.Context()}, nil, zap.New(core).Named(Logger), c.clock())
	for _, e := range events {
		r.Report(e)
	}
	return log.Bytes()
}

// TestSchema holds the published schema against what is written of every
// event, with all fields and with as few as there can be.
func TestSchema(t *testing.T) {
	schema := schemaOf(t)
	encoder := encoders(t)["json"]
	check := func(line []byte) {
		t.Helper()
		value, err := jsonschema.UnmarshalJSON(bytes.NewReader(line))
		require.NoError(t, err, string(line))
		require.NoError(t, schema.Validate(value), string(line))
	}
	for _, kind := range Vocabulary() {
		least := Event{Name: kind.Name, Message: "[SECURITY] Something happened", Level: kind.Level}
		check(written(t, encoder, least))
		full := least
		full.ClientIP, full.KeyID, full.Method, full.URI = netip.MustParseAddr("2001:db8::1"), "ada", "GET", "/x?y=1"
		full.UserAgent, full.RequestID, full.Tier, full.Class = "curl/8", "0b6f0000-0000-4000-8000-000000000000", "api", "sqli traversal"
		full.Rule, full.Reason, full.Enforced, full.More = "a rule", "a reason", true, 3
		check(written(t, encoder, full))
	}
	for _, wrong := range []string{
		`{}`,
		`{"level":"warn","ts":1,"logger":"gatehouse.security","msg":"[SECURITY] x","event":"not_a_name","client_ip":"","time":"2024-01-15T10:26:01Z","enforced":true}`,
		`{"level":"warn","ts":1,"logger":"gatehouse.security","msg":"x","event":"authn_login_fail","client_ip":"","time":"2024-01-15T10:26:01Z","enforced":true}`,
		`{"level":"warn","ts":1,"logger":"gatehouse.security","msg":"[SECURITY] x","event":"authn_login_fail","client_ip":"","time":"2024-01-15T10:26:01Z","enforced":true,"payload":"x"}`,
	} {
		value, err := jsonschema.UnmarshalJSON(strings.NewReader(wrong))
		require.NoError(t, err)
		require.Error(t, schema.Validate(value), wrong)
	}
}

// TestOneEventOneLine holds for whatever a request brings along that an event
// is one line in every format, that the line can be read, and that no format
// shows what a viewer would act on.
func TestOneEventOneLine(t *testing.T) {
	all := encoders(t)
	schema := schemaOf(t)
	hostile := rapid.OneOf(
		rapid.String(),
		rapid.SampledFrom([]string{"\r\n", "\n[2024-01-15 10:23:45] WARN: [SECURITY] forged from 192.0.2.1", "\u2028", "\u0085", "\x1b[2J", "\u202e", "\x00", "\"}", "\\", "\xff\xfe", `","event":"x`}),
		rapid.Map(rapid.SliceOf(rapid.Byte()), func(b []byte) string { return string(b) }),
	)
	rapid.Check(t, func(rt *rapid.T) {
		path := hostile.Draw(rt, "path")
		e := Event{
			Name: rapid.SampledFrom(Vocabulary()).Draw(rt, "kind").Name, Level: zapcore.WarnLevel,
			Message:  At(From("[SECURITY] Upload rate limit exceeded for IP:", netip.MustParseAddr("192.0.2.7")), path),
			ClientIP: netip.MustParseAddr("192.0.2.7"),
			URI:      hostile.Draw(rt, "uri"), UserAgent: hostile.Draw(rt, "agent"), Method: hostile.Draw(rt, "method"), KeyID: hostile.Draw(rt, "key"),
			Rule: hostile.Draw(rt, "rule"), Reason: hostile.Draw(rt, "reason"), RequestID: "r",
		}
		for format, encoder := range all {
			line := string(written(t, encoder, e))
			if strings.Count(line, "\n") != 1 || !strings.HasSuffix(line, "\n") {
				rt.Fatalf("%s: not one line: %q", format, line)
			}
			line = strings.Replace(line, "\x1b[33mWARN\x1b[0m", "WARN", 1) // the console's own colour
			for _, c := range strings.TrimSuffix(line, "\n") {
				if hostileIn(format, c) {
					rt.Fatalf("%s: %U in %q", format, c, line)
				}
			}
			switch format {
			case "json", "agent":
				var fields map[string]any
				if err := json.Unmarshal([]byte(line), &fields); err != nil {
					rt.Fatalf("%s: %v: %q", format, err, line)
				}
				if fields["event"] != string(e.Name) || fields["client_ip"] != "192.0.2.7" {
					rt.Fatalf("%s: forged: %q", format, line)
				}
				if err := schema.Validate(fields); err != nil {
					rt.Fatalf("%s: %v: %q", format, err, line)
				}
			case "console":
				_, object, _ := strings.Cut(line, "{")
				if !json.Valid([]byte("{" + object)) {
					rt.Fatalf("%s: the fields cannot be read: %q", format, line)
				}
			case "line":
				if strings.Count(line, "[SECURITY] ") != 1 {
					rt.Fatalf("%s: forged: %q", format, line)
				}
			}
		}
	})
}

// hostileIn is hostile, but for the tabs between the columns of the console.
func hostileIn(format string, c rune) bool { return hostile(c) && !(format == "console" && c == '\t') }
