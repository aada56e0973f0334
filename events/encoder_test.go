package events

import (
	"encoding/json"
	"errors"
	"net/http"
	"net/http/httptest"
	"strings"
	"testing"

	"github.com/caddyserver/caddy/v2"
	"github.com/caddyserver/caddy/v2/caddyconfig/caddyfile"
	"github.com/caddyserver/caddy/v2/modules/caddyhttp"
	"github.com/caddyserver/caddy/v2/modules/logging"
	"go.uber.org/zap"
	"go.uber.org/zap/zapcore"
)

func newEncoder(t testing.TB, text string) *Encoder {
	t.Helper()
	e := new(Encoder)
	if err := e.UnmarshalCaddyfile(caddyfile.NewTestDispenser(text)); err != nil {
		t.Fatal(err)
	}
	ctx, cancel := caddy.NewContext(caddy.Context{Context: t.Context()})
	t.Cleanup(cancel)
	if err := e.Provision(ctx); err != nil {
		t.Fatal(err)
	}
	return e
}

var formats = map[string]string{
	"default": "agent",
	"json":    "agent {\n\twrap json\n}",
	"console": "agent {\n\twrap console\n}",
	"filter":  "agent {\n\twrap filter {\n\t\trequest>remote_ip ip_mask 16 32\n\t}\n}",
	"nested":  "agent {\n\twrap agent\n}",
}

// ways are where a client can put a key in a request.
var ways = map[string]func(r *http.Request, key string){
	"X-API-KEY":           func(r *http.Request, key string) { r.Header.Set("X-API-KEY", key) },
	"X-API-KEY, twice":    func(r *http.Request, key string) { r.Header["X-Api-Key"] = []string{"another", key} },
	"x_api_key":           func(r *http.Request, key string) { r.Header["X_api_key"] = []string{key} },
	"misspelt":            func(r *http.Request, key string) { r.Header.Set("X-Agents-Key", key) },
	"bearer":              func(r *http.Request, key string) { r.Header.Set("Authorization", "Bearer "+key) },
	"bearer, wide":        func(r *http.Request, key string) { r.Header.Set("Authorization", "bearer   "+key) },
	"no scheme":           func(r *http.Request, key string) { r.Header.Set("Authorization", key) },
	"basic":               func(r *http.Request, key string) { r.SetBasicAuth("x", key) },
	"to a proxy":          func(r *http.Request, key string) { r.Header.Set("Proxy-Authorization", "Bearer "+key) },
	"cookie":              func(r *http.Request, key string) { r.AddCookie(&http.Cookie{Name: "session", Value: key}) },
	"query":               func(r *http.Request, key string) { r.RequestURI = "/a?api_key=" + key },
	"query, encoded name": func(r *http.Request, key string) { r.RequestURI = "/a?%61pi%5fkey=" + key + "&x=1" },
	"query, encoded":      func(r *http.Request, key string) { r.RequestURI = "/a?api_key=" + encode(key, ^uint64(0)) },
	"query, semicolon":    func(r *http.Request, key string) { r.RequestURI = "/a?x=1;api_key=" + key },
	"Referer":             func(r *http.Request, key string) { r.Header.Set("Referer", "https://x.test/a?api_key="+key) },
	"Origin":              func(r *http.Request, key string) { r.Header.Set("Origin", "https://user:"+key+"@x.test") },
	"path, and header": func(r *http.Request, key string) {
		r.RequestURI = "/agents/" + encode(key, 0xff) + "/x"
		r.Header.Set("Authorization", "Bearer "+key)
	},
	"anywhere, and query": func(r *http.Request, key string) {
		r.RequestURI = "/agents?token=" + encode(key, 0xff) + "&q=" + key
		r.Header.Set("User-Agent", "me/"+key)
	},
}

func TestEncoder(t *testing.T) {
	for name, text := range formats {
		t.Run(name, func(t *testing.T) {
			encoder := newEncoder(t, text)
			for place, put := range ways {
				for _, key := range []string{ownKey, operatorKey} {
					for _, credentials := range []bool{false, true} {
						r := httptest.NewRequest("GET", "/api/agents", nil)
						put(r, key)
						for _, line := range accessLines(t, encoder, r, credentials) {
							if revealed(line, key) {
								t.Errorf("%s (credentials %t): %s", place, credentials, line)
							}
							if !strings.Contains(line, "GET") || !strings.Contains(line, "agents.test") {
								t.Errorf("%s: the rest of the line is gone: %s", place, line)
							}
							if name != "console" && !json.Valid([]byte(line)) {
								t.Errorf("%s: not JSON: %s", place, line)
							}
						}
					}
				}
			}
		})
	}
}

// accessLines writes the request as Caddy does: its object is a field of the
// logger in one line, and a field of the entry in the other.
func accessLines(t testing.TB, encoder zapcore.Encoder, r *http.Request, credentials bool) []string {
	t.Helper()
	r.Host = "agents.test"
	request := zap.Object("request", caddyhttp.LoggableHTTPRequest{Request: r, ShouldLogCredentials: credentials})
	rest := []zapcore.Field{zap.Int("status", 200), zap.Object("resp_headers", caddyhttp.LoggableHTTPHeader{
		Header: http.Header{"X-Request-Id": {"17"}, "Location": {r.RequestURI}}, ShouldLogCredentials: credentials,
	})}
	with := encoder.Clone()
	request.AddTo(with)
	return []string{
		encoded(t, with, "handled request", rest...),
		encoded(t, encoder, "handled request", append(rest, request)...),
	}
}

func encoded(t testing.TB, encoder zapcore.Encoder, message string, fields ...zapcore.Field) string {
	t.Helper()
	buf, err := encoder.EncodeEntry(zapcore.Entry{Message: message, LoggerName: "http.log.access"}, fields)
	if err != nil {
		t.Fatal(err)
	}
	defer buf.Free()
	return buf.String()
}

func TestEncoderFields(t *testing.T) {
	type config struct {
		Name   string         `json:"name"`
		APIKey string         `json:"api_key"`
		Any    map[string]any `json:"any"`
		Number uint64         `json:"number"`
	}
	encoder := newEncoder(t, "agent")
	for _, c := range []struct {
		field zapcore.Field
		want  string
	}{
		{zap.String("x", ownKey), `"x":"REDACTED"`},
		{zap.String("api_key", "x"), `"api_key":"REDACTED"`},
		{zap.String("key_id", "ci"), `"key_id":"ci"`},
		{zap.String("key", "certificates/acme"), `"key":"certificates/acme"`},
		{zap.ByteString("x", []byte(ownKey)), `"x":"REDACTED"`},
		{zap.Binary("x", []byte(ownKey)), `"x":"REDACTED"`},
		{zap.Binary("x", []byte("abc")), `"x":"YWJj"`},
		{zap.Strings("x", []string{"a", ownKey}), `"x":["a","REDACTED"]`},
		{zap.ByteStrings("x", [][]byte{[]byte(ownKey)}), `"x":["REDACTED"]`},
		{zap.Strings("tokens", []string{"a"}), `"tokens":["REDACTED"]`},
		{zap.Error(errors.New("no " + ownKey)), `"error":"no REDACTED"`},
		{zap.Errors("x", []error{errors.New(ownKey)}), `"x":[{"error":"REDACTED"}]`},
		{zap.Stringer("x", stringer(ownKey)), `"x":"REDACTED"`},
		{zap.Reflect("x", config{Name: ownKey, APIKey: "x", Any: map[string]any{"token": 1, "y": ownKey, ownKey: 2}, Number: 1<<64 - 1}),
			`"x":{"any":{"REDACTED":2,"token":"REDACTED","y":"REDACTED"},"api_key":"REDACTED","name":"REDACTED","number":18446744073709551615}`},
		{zap.Reflect("x", []any{ownKey, 1.5, nil}), `"x":["REDACTED",1.5,null]`},
		{zap.Reflect("x", make(chan int)), `"x":"REDACTED"`},
		{zap.Reflect("secret", 1), `"secret":"REDACTED"`},
		{zap.Dict("x", zap.String("y", ownKey), zap.Int("z", 1)), `"x":{"y":"REDACTED","z":1}`},
		{zap.Inline(zapcore.ObjectMarshalerFunc(func(enc zapcore.ObjectEncoder) error {
			enc.OpenNamespace("x")
			enc.AddString("y", ownKey)
			return nil
		})), `"x":{"y":"REDACTED"}`},
		{zap.Array("x", zapcore.ArrayMarshalerFunc(func(enc zapcore.ArrayEncoder) error {
			_ = enc.AppendReflected(ownKey)
			_ = enc.AppendArray(caddyhttp.LoggableStringArray{ownKey})
			return enc.AppendObject(caddyhttp.LoggableHTTPHeader{Header: http.Header{"X": {ownKey}}})
		})), `"x":["REDACTED",["REDACTED"],{"X":["REDACTED"]}]`},
		{zap.Object("headers", caddyhttp.LoggableHTTPHeader{Header: http.Header{"Agk_abc": {"1"}}}), `"headers":{"REDACTED":["1"]}`},
	} {
		line := encoded(t, encoder, "m", c.field)
		if !strings.Contains(line, c.want) {
			t.Errorf("want %s in %s", c.want, line)
		}
		with := encoder.Clone()
		c.field.AddTo(with)
		if line := encoded(t, with, "m"); !strings.Contains(line, c.want) {
			t.Errorf("as a field of the logger: want %s in %s", c.want, line)
		}
	}
	buf, err := encoder.EncodeEntry(zapcore.Entry{Message: "panic: " + ownKey, Stack: "main.f(" + ownKey + ")"}, nil)
	if err != nil || strings.Contains(buf.String(), ownKey) {
		t.Errorf("%s %v", buf, err)
	}
}

type stringer string

func (s stringer) String() string { return string(s) }

// A client must not be able to hide what it does by calling it a key.
func TestEncoderKeepsEvidence(t *testing.T) {
	encoder := newEncoder(t, "agent")
	for _, hidden := range []string{"/api/../../etc/passwd", "handled request", "agents.test", "203.0.113.7"} {
		r := httptest.NewRequest("GET", "/", nil)
		r.RequestURI = "/api/../../etc/passwd"
		r.RemoteAddr = "203.0.113.7:1234"
		r.Header.Set("X-API-KEY", hidden)
		for _, line := range accessLines(t, encoder, r, false) {
			for _, evidence := range []string{"/api/../../etc/passwd", "handled request", "agents.test", "203.0.113.7"} {
				if !strings.Contains(line, evidence) {
					t.Errorf("X-API-KEY: %s took %s out of %s", hidden, evidence, line)
				}
			}
		}
	}
}

func TestEncoderCaddyfile(t *testing.T) {
	for text, want := range map[string]string{
		"agent x":                                 "wrong argument count",
		"agent {\n\twrap json\n\twrap json\n}":    "twice",
		"agent {\n\twarp json\n}":                 "unknown option warp",
		"agent {\n\twrap\n}":                      "wrong argument count",
		"agent {\n\twrap nothing_of_that_name\n}": "nothing_of_that_name",
	} {
		err := new(Encoder).UnmarshalCaddyfile(caddyfile.NewTestDispenser(text))
		if err == nil || !strings.Contains(err.Error(), want) {
			t.Errorf("%q: %v does not say %q", text, err, want)
		}
	}
}

func FuzzEncoder(f *testing.F) {
	f.Add("/a?api_key=", "x", "X-API-KEY", "Bearer ", "https://x.test/?token=", uint64(0))
	f.Add("/%zz?", "\xff\"\\", "Cookie", "a=", "\x00", uint64(3))
	encoder := newEncoder(f, "agent")
	f.Fuzz(func(t *testing.T, uri, user, header, scheme, referer string, bits uint64) {
		r := httptest.NewRequest("GET", "/", nil)
		r.RequestURI = uri + "/" + encode(ownKey, bits) + "/"
		r.Header = http.Header{
			"X-Api-Key":  {operatorKey},
			header:       {scheme + ownKey},
			"Referer":    {referer + "/" + encode(operatorKey, bits)},
			"User-Agent": {user + operatorKey},
		}
		for _, line := range accessLines(t, encoder, r, true) {
			if revealed(line, ownKey) || revealed(line, operatorKey) {
				t.Fatalf("revealed: %s", line)
			}
			if !json.Valid([]byte(line)) {
				t.Fatalf("not JSON: %s", line)
			}
		}
	})
}

// BenchmarkEncoder writes the access log line of an ordinary request.
func BenchmarkEncoder(b *testing.B) {
	r := httptest.NewRequest("GET", "/api/messaging/sessions/0b6c/messages?limit=50&before=1700000000", nil)
	r.Header = http.Header{
		"X-Api-Key":       {ownKey},
		"User-Agent":      {"Mozilla/5.0 (X11; Linux x86_64; rv:128.0) Gecko/20100101 Firefox/128.0"},
		"Accept":          {"application/json, text/plain, */*"},
		"Accept-Encoding": {"gzip, deflate, br, zstd"},
		"Accept-Language": {"en-US,en;q=0.5"},
		"Referer":         {"https://agents.example.com/chat/0b6c"},
		"Content-Type":    {"application/json"},
	}
	plain := new(logging.JSONEncoder)
	if err := plain.Provision(caddy.Context{}); err != nil {
		b.Fatal(err)
	}
	for name, encoder := range map[string]zapcore.Encoder{"json": plain, "agent": newEncoder(b, "agent {\n\twrap json\n}")} {
		b.Run(name, func(b *testing.B) {
			b.ReportAllocs()
			for b.Loop() {
				with := encoder.Clone()
				zap.Object("request", caddyhttp.LoggableHTTPRequest{Request: r}).AddTo(with)
				buf, err := with.EncodeEntry(zapcore.Entry{Message: "handled request"}, []zapcore.Field{
					zap.Int("status", 200), zap.Object("resp_headers", caddyhttp.LoggableHTTPHeader{
						Header: http.Header{"Content-Type": {"application/json; charset=utf-8"}, "X-Request-Id": {"9c0f1f4e"}},
					}),
				})
				if err != nil {
					b.Fatal(err)
				}
				buf.Free()
			}
		})
	}
}
