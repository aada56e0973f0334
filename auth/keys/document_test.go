package keys

import (
	"bytes"
	"encoding/json"
	"fmt"
	"net/netip"
	"os"
	"strings"
	"testing"
	"time"

	"github.com/google/go-cmp/cmp"
	"github.com/google/go-cmp/cmp/cmpopts"
	"github.com/santhosh-tekuri/jsonschema/v6"
	"github.com/stretchr/testify/require"
	"pgregory.net/rapid"
)

// fullFile has every field of the format once.
var fullFile = fmt.Sprintf(`{
  "$schema": %q,
  "version": 1,
  "pepper_check": "0123456789abcdef0123456789abcdef",
  "keys": [
    {
      "id": "ci",
      "scopes": [
        "read",
        "chat"
      ],
      "agents": [
        "b850bc30-45f8-0041-a00a-83df46d8555d"
      ],
      "plan": "pro",
      "from": [
        "10.0.0.0/8",
        "2001:db8::/32"
      ],
      "sites": [
        "agents.example.com"
      ],
      "entity": "b850bc30-45f8-0041-a00a-83df46d8555d",
      "expires": "2027-01-31T12:00:00Z",
      "revoked": "2026-12-31T12:00:00Z",
      "secrets": [
        {
          "id": "1",
          "hash": "hmac-%[2]s",
          "created": "2026-01-01T00:00:00Z",
          "not_after": "2026-02-01T00:00:00Z",
          "last_used": "2026-01-31T23:59:59Z",
          "revoked": "2026-01-31T00:00:00Z",
          "request": "%[2]s"
        },
        {
          "id": "2",
          "hash": "%[2]s"
        }
      ]
    }
  ]
}
`, SchemaURL, HashSecret("abc"))

func TestParseDocument(t *testing.T) {
	doc, err := ParseDocument([]byte(fullFile))
	require.NoError(t, err)
	day := func(year int, month time.Month, day, hour int) time.Time {
		return time.Date(year, month, day, hour, 0, 0, 0, time.UTC)
	}
	require.Equal(t, &Document{
		PepperCheck: "0123456789abcdef0123456789abcdef",
		Keys: []Key{{
			ID: "ci", Scopes: []string{"read", "chat"}, Agents: []string{"b850bc30-45f8-0041-a00a-83df46d8555d"}, Plan: "pro",
			From:  []netip.Prefix{netip.MustParsePrefix("10.0.0.0/8"), netip.MustParsePrefix("2001:db8::/32")},
			Sites: []string{"agents.example.com"}, Entity: "b850bc30-45f8-0041-a00a-83df46d8555d",
			Expires: day(2027, 1, 31, 12), Revoked: day(2026, 12, 31, 12),
			Secrets: []Secret{{
				ID: "1", Hash: HashSecret("abc"), Peppered: true, Created: day(2026, 1, 1, 0), NotAfter: day(2026, 2, 1, 0),
				LastUsed: day(2026, 1, 31, 24).Add(-time.Second), Revoked: day(2026, 1, 31, 0), Request: HashSecret("abc"),
			}, {ID: "2", Hash: HashSecret("abc")}},
		}},
	}, doc)
	text, err := doc.Encode()
	require.NoError(t, err)
	require.Equal(t, fullFile, string(text), "what was read is written back byte for byte")
}

func TestParseDocumentNamesThePlace(t *testing.T) {
	for name, c := range map[string]struct{ old, new, want string }{
		"unknown field":           {`"plan": "pro"`, `"tier": "pro"`, "line 15: keys[0].tier: no such field; known are id, scopes,"},
		"unknown field at top":    {`"version": 1`, `"version": 1, "owner": {"a": [1, {}]}`, "line 3: owner: no such field"},
		"unknown field of secret": {`"created"`, `"made"`, "line 30: keys[0].secrets[0].made: no such field; known are id, hash,"},
		"a secret as a field":     {`"plan": "pro"`, `"agk_Q3dk4mtvKq8qhVkY": "pro"`, "line 15: keys[0].?: no such field"},
		"repeated field":          {`"plan": "pro"`, `"plan": "pro", "plan": "max"`, "line 15: keys[0].plan: this field stands here twice"},
		"case matters":            {`"plan": "pro"`, `"Plan": "pro"`, "line 15: keys[0].?: no such field"},
		"bad time":                {`"2027-01-31T12:00:00Z"`, `"2027-01-31"`, "line 24: keys[0].expires: this is no time; write it like 2027-01-31T12:00:00Z"},
		"time before computers":   {`"2027-01-31T12:00:00Z"`, `"0001-01-01T00:00:00Z"`, "keys[0].expires: this is no time"},
		"time after writing":      {`"2027-01-31T12:00:00Z"`, `"9999-12-31T23:59:59-01:00"`, "keys[0].expires: this is no time"},
		"time with a comma":       {`"2027-01-31T12:00:00Z"`, `"2027-01-31T12:00:00,5Z"`, "keys[0].expires: this is no time"},
		"time with a short hour":  {`"2027-01-31T12:00:00Z"`, `"2027-01-31T1:00:00Z"`, "keys[0].expires: this is no time"},
		"bad time in a secret":    {`"2026-02-01T00:00:00Z"`, `"soon"`, "line 31: keys[0].secrets[0].not_after: this is no time"},
		"a number as time":        {`"2027-01-31T12:00:00Z"`, `1800000000`, `keys[0].expires: this must be a text, "..."`},
		"null":                    {`"2027-01-31T12:00:00Z"`, `null`, `keys[0].expires: this must be a text, "..."`},
		"bad network":             {`"10.0.0.0/8"`, `"10.0.0.0/33"`, "line 17: keys[0].from[0]: behind the / stands no number of bits"},
		"network with host bits":  {`"2001:db8::/32"`, `"2001:db8::1/32"`, "line 18: keys[0].from[1]: this is an address inside a network"},
		"text for a list":         {"[\n        \"read\",\n        \"chat\"\n      ]", `"read"`, "line 8: keys[0].scopes: this must be a list, [ ... ]"},
		"list for an object":      {"{\n          \"id\": \"2\"", "[], {\n          \"id\": \"2\"", "keys[0].secrets[1]: this must be an object, { ... }"},
		"empty restriction":       {`"agents.example.com"`, ``, "keys[0].sites: this list is empty and would restrict nothing"},
		"empty plan":              {`"pro"`, `""`, "keys[0].plan: this is empty; leave it out instead"},
		"version from tomorrow":   {`"version": 1`, `"version": 2`, "line 3: version: this must be 1"},
		"version as text":         {`"version": 1`, `"version": "1"`, "line 3: version: this must be 1"},
		"version as fraction":     {`"version": 1`, `"version": 1.0`, "line 3: version: this must be 1"},
		"version as list":         {`"version": 1`, `"version": [1]`, "line 3: version: this must be 1"},
		"no version":              {`"version": 1,`, ``, `the file: the field "version" is missing`},
		"no keys":                 {`"keys": [`, `"$Keys": [`, `the file: the field "keys" is missing`},
		"plain secret as hash":    {"hmac-" + HashSecret("abc").String(), "agk_Q3dk4mtvKq8qhVkY", `line 29: keys[0].secrets[0].hash: a key hash starts with "sha256:"`},
		"short pepper check":      {"0123456789abcdef0123", "0123", "line 4: pepper_check: this must be 32 hex digits"},
		"peppered request":        {`"request": "`, `"request": "hmac-`, "keys[0].secrets[0].request: a key hash starts with"},
		"bad id":                  {`"id": "ci"`, `"id": "c i"`, "character 2 is ' '"},
		"pepper check missing":    {`"pepper_check": "0123456789abcdef0123456789abcdef",`, ``, "key ci: secret 1 was made under a pepper, but the file has no pepper_check"},
		"one hash twice":          {`"id": "2"`, `"id": "3", "hash": "` + HashSecret("abc").String() + `"}, {"id": "2"`, "key ci: secret 3 is also a secret of key ci"},
		"one secret id twice":     {`"id": "2"`, `"id": "1"`, "key ci: two secrets have one id, the second of them is number 2"},
		"secret without id":       {`"id": "2",`, ``, "key ci: secret 2 needs an id"},
		"no secrets":              {`"secrets": [`, `"secrets": [], "x": [`, "keys[0].x: no such field"},
		"missing comma":           {`"plan": "pro",`, `"plan": "pro"`, "line 16, column 7: this is not JSON"},
		"something after the end": {"]\n}\n", "]\n} {}\n", "line 43, column 3: this is not JSON"},
		"not UTF-8":               {"pro", "pr\xff", "not UTF-8"},
		"byte order mark":         {"{\n  \"$schema\"", "\ufeff{\n  \"$schema\"", "byte order mark"},
	} {
		t.Run(name, func(t *testing.T) {
			require.Contains(t, fullFile, c.old)
			_, err := ParseDocument([]byte(strings.Replace(fullFile, c.old, c.new, 1)))
			require.ErrorContains(t, err, c.want)
			require.NotContains(t, err.Error(), "Q3dk4mtvKq8qhVkY")
		})
	}
	for _, empty := range []string{"", " \n"} {
		_, err := ParseDocument([]byte(empty))
		require.ErrorContains(t, err, `{"version": 1, "keys": []}`)
	}
	_, err := ParseDocument([]byte(`{"version": 1, "keys": [`))
	require.ErrorContains(t, err, "this is not JSON")
}

func TestParseDocumentReportsAllMistakes(t *testing.T) {
	_, err := ParseDocument([]byte(`{"version": 2, "x": 1, "keys": [{"id": 1, "scopes": {}, "expires": "never"}]}`))
	for _, want := range []string{"version:", "x:", "keys[0].id:", "keys[0].scopes:", "keys[0].expires:"} {
		require.ErrorContains(t, err, want)
	}
	_, err = ParseDocument([]byte(`{"version": 1, "keys": [` + strings.Repeat(`0, `, 99) + `0]}`))
	require.ErrorContains(t, err, "and 80 more mistakes")
	_, err = ParseDocument([]byte(`{"version": 1, "keys": [` + strings.Repeat(`{"id": "a", "scopes": ["a"], "secrets": []},`, 2) + `{"id": "-"}]}`))
	require.ErrorContains(t, err, "key a: it has no secret")
	require.ErrorContains(t, err, "character 1 is '-'")
}

// A hostile file of a hundred thousand distinct fields costs its length, not the square of it.
func TestParseDocumentOfManyFields(t *testing.T) {
	var b strings.Builder
	b.WriteString(`{"version": 1, "keys": []`)
	for i := range 100_000 {
		fmt.Fprintf(&b, `,"%d":[]`, i)
	}
	b.WriteString("}")
	_, err := ParseDocument([]byte(b.String()))
	require.ErrorContains(t, err, "no such field")
}

// documents draws documents that a gate could have written.
func documents() *rapid.Generator[*Document] {
	word := rapid.StringMatching(`[a-z][a-z0-9._:-]{0,9}`)
	when := rapid.Custom(func(t *rapid.T) time.Time {
		if rapid.Bool().Draw(t, "unset") {
			return time.Time{}
		}
		return time.Unix(rapid.Int64Range(1, 4e9).Draw(t, "time"), 0).UTC()
	})
	uuid := rapid.StringMatching(`[0-9a-fA-F]{8}-[0-9a-f]{4}-[0-9a-f]{4}-[0-9a-f]{4}-[0-9a-f]{12}`)
	return rapid.Custom(func(t *rapid.T) *Document {
		doc := &Document{}
		if rapid.Bool().Draw(t, "peppered") {
			doc.PepperCheck = pepperCheck(pepper)
		}
		for i := range rapid.IntRange(0, 5).Draw(t, "keys") {
			k := Key{
				ID:      fmt.Sprintf("%s%d", rapid.StringMatching(`[A-Za-z0-9][A-Za-z0-9._-]{0,20}-`).Filter(func(s string) bool { return !strings.HasPrefix(s, SecretPrefix) }).Draw(t, "id"), i),
				Scopes:  rapid.SliceOfN(rapid.OneOf(word, rapid.Just("*")), 1, 3).Draw(t, "scopes"),
				Expires: when.Draw(t, "expires"), Revoked: when.Draw(t, "revoked"),
			}
			if rapid.Bool().Draw(t, "rights") {
				k.Agents = rapid.SliceOfN(rapid.OneOf(uuid, word), 1, 3).Draw(t, "agents")
				k.Plan = word.Draw(t, "plan")
				k.From = []netip.Prefix{netip.PrefixFrom(netip.AddrFrom4([4]byte{10, byte(i)}), rapid.IntRange(16, 32).Draw(t, "bits"))}
				k.Sites = rapid.SliceOfN(rapid.StringMatching(`[!-~]{1,20}`), 1, 3).Draw(t, "sites")
				k.Entity = uuid.Draw(t, "entity")
			}
			for j := range rapid.IntRange(1, 3).Draw(t, "secrets") {
				k.Secrets = append(k.Secrets, Secret{
					ID: fmt.Sprint(j + 1), Hash: HashSecret(fmt.Sprint(i, j)), Peppered: doc.PepperCheck != "" && rapid.Bool().Draw(t, "sealed"),
					Created: when.Draw(t, "created"), NotAfter: when.Draw(t, "not after"), LastUsed: when.Draw(t, "last used"),
					Revoked: when.Draw(t, "revoked"),
				})
			}
			doc.Keys = append(doc.Keys, k)
		}
		return doc
	})
}

func sameDocument(a, b *Document) string {
	return cmp.Diff(a, b, cmpopts.EquateEmpty(), cmpopts.EquateComparable(netip.Prefix{}))
}

func TestWhatIsWrittenIsReadBack(t *testing.T) {
	schema := compileSchema(t)
	rapid.Check(t, func(t *rapid.T) {
		doc := documents().Draw(t, "document")
		text, err := doc.Encode()
		require.NoError(t, err)
		back, err := ParseDocument(text)
		require.NoError(t, err)
		require.Empty(t, sameDocument(doc, back))
		value, err := jsonschema.UnmarshalJSON(bytes.NewReader(text))
		require.NoError(t, err)
		require.NoError(t, schema.Validate(value))
	})
}

func compileSchema(t testing.TB) *jsonschema.Schema {
	t.Helper()
	value, err := jsonschema.UnmarshalJSON(bytes.NewReader(Schema))
	require.NoError(t, err)
	c := jsonschema.NewCompiler()
	c.AssertFormat()
	require.NoError(t, c.AddResource(SchemaURL, value))
	schema, err := c.Compile(SchemaURL)
	require.NoError(t, err)
	return schema
}

func TestPublishedSchemaIsThisOne(t *testing.T) {
	published, err := os.ReadFile("../../docs/keys.schema.json")
	require.NoError(t, err)
	require.Equal(t, string(Schema), string(published), "run: go generate ./auth/keys")
}

// The schema and the parser agree on every file that differs from a good one in one place, except where a schema cannot
// see what is wrong.
func TestSchemaAgreesWithTheParser(t *testing.T) {
	schema := compileSchema(t)
	hash := HashSecret("other").String()
	values := []any{
		nil, true, 1, 2, -1, 1.5, "", "x", "a b", "*", "agk_x", "ci", "10.0.0.0/8", "10.0.0.1", "10.0.0.0/1000", "example.com",
		"2027-01-31T12:00:00Z", "2027-01-31T12:00:00.25+02:00", "2027-01-31", "2027-13-31T12:00:00Z", "1969-12-31T00:00:00Z", "1969-12-31T23:30:00-01:00", "2027-01-31T1:00:00Z", "2027-01-31T12:00:00+99:00", "0000-01-01T00:00:00Z",
		hash, "hmac-" + hash, strings.ToUpper(hash), hash[:70], HashPrefix + strings.Repeat("0", 64), "b850bc30-45f8-0041-a00a-83df46d8555d",
		"b850bc30-45f8-0041-a00a-83df46d8555", "0123456789abcdef0123456789abcdef", strings.Repeat("x", 64), strings.Repeat("x", 65), strings.Repeat("x", 129), "ü",
		[]any{}, []any{"x"}, []any{"a b"}, []any{1}, []any{"10.0.0.0/8"}, []any{nil}, []any{strings.Repeat("x", 129)}, []any{"*"}, map[string]any{}, map[string]any{"id": "x"},
	}
	agreed := map[bool]int{}
	for _, place := range places(t, fullFile) {
		for _, name := range append(place.fields, "unknown") {
			for i, value := range append(values, remove{}) {
				text := place.with(t, name, value)
				instance, err := jsonschema.UnmarshalJSON(strings.NewReader(text))
				require.NoError(t, err)
				bySchema := schema.Validate(instance)
				_, byParser := ParseDocument([]byte(text))
				if byParser != nil && strings.Contains(byParser.Error(), "made under a pepper, but the file has no pepper_check") {
					continue
				}
				require.Equal(t, bySchema == nil, byParser == nil, "%s, value %d:\nschema: %v\nparser: %v\n%s", name, i, bySchema, byParser, text)
				agreed[byParser == nil]++
			}
		}
	}
	require.Greater(t, agreed[true], 50)
	require.Greater(t, agreed[false], 500)
}

type remove struct{}

// place is an object of the file, found from the top by at.
type place struct {
	at     func(file map[string]any) map[string]any
	fields []string
}

func places(t testing.TB, file string) []place {
	var top map[string]any
	require.NoError(t, json.Unmarshal([]byte(file), &top))
	all := []place{
		{at: func(f map[string]any) map[string]any { return f }},
		{at: func(f map[string]any) map[string]any { return f["keys"].([]any)[0].(map[string]any) }},
		{at: func(f map[string]any) map[string]any {
			return f["keys"].([]any)[0].(map[string]any)["secrets"].([]any)[0].(map[string]any)
		}},
	}
	for i := range all {
		for name := range all[i].at(top) {
			all[i].fields = append(all[i].fields, name)
		}
	}
	return all
}

func (p place) with(t testing.TB, name string, value any) string {
	var top map[string]any
	require.NoError(t, json.Unmarshal([]byte(fullFile), &top))
	object := p.at(top)
	object[name] = value
	if value == (any)(remove{}) {
		delete(object, name)
	}
	text, err := json.Marshal(top)
	require.NoError(t, err)
	return string(text)
}

func TestDocumentClone(t *testing.T) {
	doc, err := ParseDocument([]byte(fullFile))
	require.NoError(t, err)
	c := doc.Clone()
	require.Equal(t, doc, c)
	c.Keys[0].Scopes[0], c.Keys[0].Secrets[0].ID, c.Keys[0].ID = "x", "x", "x"
	text, err := doc.Encode()
	require.NoError(t, err)
	require.Equal(t, fullFile, string(text))
}

func FuzzParseDocument(f *testing.F) {
	f.Add([]byte(fullFile))
	f.Add([]byte(`{"version": 1, "keys": []}`))
	f.Add([]byte(`{"version": 1, "keys": [{"id": "a", "scopes": ["*"], "secrets": [{"id": "1", "hash": "` + HashSecret("x").String() + `"}]}]}`))
	f.Add([]byte(`[[[[{"a":{"a":[]}}]]]]`))
	schema := compileSchema(f)
	f.Fuzz(func(t *testing.T, text []byte) {
		doc, err := ParseDocument(text)
		if err != nil {
			return
		}
		value, err := jsonschema.UnmarshalJSON(bytes.NewReader(text))
		if err != nil {
			t.Fatal(err)
		}
		if err := schema.Validate(value); err != nil {
			t.Fatalf("the parser took what the schema refuses: %v", err)
		}
		written, err := doc.Encode()
		if err != nil {
			t.Fatal(err)
		}
		back, err := ParseDocument(written)
		if err != nil {
			t.Fatal(err)
		}
		if diff := sameDocument(doc, back); diff != "" {
			t.Fatal(diff)
		}
		if _, err := NewRing(doc.Keys, pepper); err != nil {
			t.Fatalf("a good file makes no ring: %v", err)
		}
	})
}
