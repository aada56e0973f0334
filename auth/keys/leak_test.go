package keys

import (
	"encoding/json"
	"fmt"
	"strings"
	"testing"

	"github.com/gatehouse-dev/caddy-gatehouse/gate/ipaddr"
	"github.com/stretchr/testify/require"
	"go.uber.org/zap"
	"go.uber.org/zap/zapcore"
	"go.uber.org/zap/zaptest/observer"
	"pgregory.net/rapid"
)

// renderings is a value in every form in which it may come to a log, a list or an export.
func renderings(t require.TestingT, v any) string {
	var b strings.Builder
	for _, verb := range []string{"%v", "%+v", "%#v", "%s", "%q", "%x", "%X", "%d", "%o", "%t", "%p"} {
		fmt.Fprintf(&b, verb+"\n", v)
	}
	text, err := json.Marshal(v)
	require.NoError(t, err)
	b.Write(text)
	core, logs := observer.New(zapcore.DebugLevel)
	zap.New(core).Info("", zap.Any("any", v), zap.Reflect("reflect", v))
	for _, entry := range logs.All() {
		for _, encoder := range []zapcore.Encoder{zapcore.NewJSONEncoder(zapcore.EncoderConfig{}), zapcore.NewConsoleEncoder(zapcore.EncoderConfig{})} {
			line, err := encoder.EncodeEntry(entry.Entry, entry.Context)
			require.NoError(t, err)
			b.Write(line.Bytes())
		}
	}
	return b.String()
}

func TestMintedShowsItsSecretOnlyWhenAsked(t *testing.T) {
	var d Document
	minted, err := d.Add(Key{ID: "ci", Scopes: []string{"chat"}}, atNoon)
	require.NoError(t, err)
	for _, v := range []any{minted, &minted, []Minted{minted}, struct{ M Minted }{minted}, map[string]any{"m": minted}} {
		text := renderings(t, v)
		require.NotContains(t, text, minted.Reveal())
		require.NotContains(t, text, fmt.Sprintf("%x", minted.Reveal()))
		require.NotContains(t, text, fmt.Sprintf("%X", minted.Reveal()))
	}
}

func TestListsShowNoHash(t *testing.T) {
	var d Document
	add(t, &d, "ci", atNoon)
	_, err := d.Rotate("ci", 0, "a token of a job", atNoon)
	require.NoError(t, err)
	r, err := NewRing(d.Keys, nil)
	require.NoError(t, err)
	for _, list := range []any{StatusOf(d.Keys, noon), StatusOf(r.Keys(), noon), r.Keys()} {
		text, err := json.Marshal(list)
		require.NoError(t, err)
		printed := string(text) + fmt.Sprintf("%v %+v %#v %s", list, list, list, list)
		for _, s := range d.Keys[0].Secrets {
			require.NotContains(t, printed, strings.TrimPrefix(s.Hash.String(), HashPrefix))
		}
		require.NotContains(t, printed, strings.TrimPrefix(HashSecret("a token of a job").String(), HashPrefix))
		require.Contains(t, string(text), `"id":"ci"`)
	}
	text, err := json.Marshal(StatusOf(d.Keys, noon))
	require.NoError(t, err)
	require.JSONEq(t, `[{"id":"ci","scopes":["chat"],"state":"active","secrets":[
		{"id":"1","created":"2026-03-01T12:00:00Z","not_after":"2026-03-01T12:00:00Z","state":"expired"},
		{"id":"2","created":"2026-03-01T12:00:00Z","state":"active"}]}]`, string(text))
}

// A secret that lands in the wrong place of a file, a character or a command does not come back in the error.
func TestNoErrorRepeatsASecret(t *testing.T) {
	everywhere := []string{
		`{"version": 1, "keys": [{"id": "%s", "scopes": ["a"], "secrets": [{"id": "1", "hash": "x"}]}]}`,
		`{"version": 1, "keys": [{"id": "%s/", "scopes": ["a"], "secrets": [{"id": "1", "hash": "%s"}]}]}`,
		`{"version": 1, "keys": [{"id": "a", "scopes": ["%s+"], "plan": "%s+", "agents": ["%s "], "sites": ["%s "], "from": ["%s"], "entity": "%s", "expires": "%s", "secrets": [{"id": "%s+", "hash": "%s"}]}]}`,
		`{"version": 1, "keys": [{"id": "a", "scopes": ["a"], "secrets": [{"id": "%s+", "hash": "sha256:ba7816bf8f01cfea414140de5dae2223b00361a396177a9cb410ff61f20015ad"}]}]}`,
		`{"version": 1, "keys": [{"id": "a", "scopes": ["%s+"], "plan": "%s+", "agents": ["%s "], "sites": ["%s "], "entity": "%s", "secrets": []}]}`,
		`{"version": 1, "keys": [{"%s": "%s"}], "%s": 1, "pepper_check": "%s"}`,
		`{"version": "%s", "keys": "%s"}`,
		`{"version": 1, "keys": [%s]}`,
		`"%s"`,
		`%s`,
		`{"name": "x", "settings": "%s"}`,
		`{"name": "x", "settings": {"secrets": "%s"}}`,
		`{"name": "x", "settings": {"secrets": {"API_KEY": ["%s"]}}}`,
		`{"name": "x", "settings": {"secrets": {"API_KEY": "%s "}}}`,
		`{"id": "%s", "settings": {"secrets": {"API_KEY": "0123456789abcdefg"}}}`,
		`{"name": ["%s"], "settings": {"secrets": {"API_KEY": "0123456789abcdefg"}}}`,
	}
	rapid.Check(t, func(t *rapid.T) {
		secret := rapid.OneOf(
			rapid.StringMatching(`[A-Za-z0-9+/]{20,43}=`),
			rapid.StringMatching(`agk_[A-Za-z0-9]{36}`),
			rapid.StringMatching(`[!#$&-.0-9A-Z^-z~]{17,40}`),
		).Draw(t, "secret")
		form := rapid.SampledFrom(everywhere).Draw(t, "form")
		text := []byte(strings.ReplaceAll(form, "%s", secret))
		_, err := ParseDocument(text)
		if err != nil {
			require.NotContains(t, err.Error(), secret)
		}
		_, _, err = ParseCharacter(text, []string{"chat"})
		if err != nil {
			require.NotContains(t, err.Error(), secret)
		}
		for _, err := range []error{
			Weak(secret + " "), Weak(secret[:15]), CheckID(secret + "="),
			new(Document).Import(Key{ID: "a", Scopes: []string{"a"}}, secret+"\n", atNoon),
			new(Document).Import(Key{ID: secret + "=", Scopes: []string{"a"}}, secret, atNoon),
		} {
			require.Error(t, err)
			require.NotContains(t, err.Error(), secret[:15])
		}
		_, err = ParseHash(secret)
		require.NotContains(t, err.Error(), secret)
		_, err = ipaddr.ParseNetwork(secret)
		require.NotContains(t, err.Error(), secret)
	})
}
