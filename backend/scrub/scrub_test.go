package scrub

import (
	"encoding/json"
	"io"
	"reflect"
	"strings"
	"testing"
	"testing/iotest"
)

func scrubbed(text string) (string, error) {
	out, err := io.ReadAll(NewReader(iotest.OneByteReader(strings.NewReader(text)), "settings", "secrets"))
	return string(out), err
}

func TestReader(t *testing.T) {
	for text, want := range map[string]string{
		`{}`: `{}`,
		`{"settings":{"secrets":{"a":"b"},"x":1}}`:                         `{"settings":{"secrets":{},"x":1}}`,
		`{"settings":{"x":1,"secrets":{"a":{"b":[1,{"c":"}"}]}}}}`:         `{"settings":{"x":1,"secrets":{}}}`,
		`{"settings":{"secrets":"text"}}`:                                  `{"settings":{"secrets":{}}}`,
		`{"settings":{"secrets":[1,2],"y":[1,2]}}`:                         `{"settings":{"secrets":{},"y":[1,2]}}`,
		`{"settings":{"secrets":null}, "secrets":{"kept":1}}`:              `{"settings":{"secrets":{}}, "secrets":{"kept":1}}`,
		`{"data":[{"settings" : { "secrets" : {"a":1} } }]}`:               `{"data":[{"settings" : { "secrets" :{}} }]}`,
		`{"settings":{"s\u0065crets":{"a":1}}}`:                            `{"settings":{"s\u0065crets":{}}}`,
		`{"settings":{"a":{"secrets":1}}}`:                                 `{"settings":{"a":{"secrets":1}}}`,
		`{"settings":{"secrets":{"secrets":1,"settings":{"secrets":2}}}}`:  `{"settings":{"secrets":{}}}`,
		`{"a":"\"settings\":{\"secrets\":1}"}`:                             `{"a":"\"settings\":{\"secrets\":1}"}`,
		`{"settings":{"x":"secrets","y":2}}`:                               `{"settings":{"x":"secrets","y":2}}`,
		"{\"settings\":{\"secrets\":1}}\n{\"settings\":{\"secrets\":2}}\n": "{\"settings\":{\"secrets\":{}}}\n{\"settings\":{\"secrets\":{}}}\n",
		`{"settings":[{"secrets":1}]}`:                                     `{"settings":[{"secrets":1}]}`,
		`{"settings":{"secrets":{"cut`:                                     `{"settings":{"secrets":`,
		`"text"`:                                                           `"text"`,
		``:                                                                 ``,
	} {
		if got, err := scrubbed(text); got != want || err != nil {
			t.Errorf("%s gives %s, %v; want %s", text, got, err, want)
		}
	}
}

func TestDepthIsBounded(t *testing.T) {
	if out, err := scrubbed(strings.Repeat("[", maxDepth+1)); err != ErrDepth {
		t.Errorf("%d bytes, %v", len(out), err)
	}
}

// without takes the members out of a decoded value: the plain way.
func without(value any, name string) any {
	switch v := value.(type) {
	case map[string]any:
		for key, member := range v {
			if key == "secrets" && name == "settings" {
				v[key] = map[string]any{}
				continue
			}
			v[key] = without(member, key)
		}
	case []any:
		for i := range v {
			v[i] = without(v[i], "")
		}
	}
	return value
}

// FuzzReader holds that a text which is JSON stays JSON, without the members
// and otherwise the same.
func FuzzReader(f *testing.F) {
	f.Add(`{"settings":{"secrets":{"a":"b"},"x":1}}`)
	f.Add(`{"a":[{"settings":{"y":[],"secrets":"\"}"}}]}`)
	f.Fuzz(func(t *testing.T, text string) {
		var want, got any
		if json.Unmarshal([]byte(text), &want) != nil {
			return
		}
		out, err := scrubbed(text)
		if err != nil {
			return
		}
		if err := json.Unmarshal([]byte(out), &got); err != nil {
			t.Fatalf("%q gives %q: %v", text, out, err)
		}
		if want = without(want, ""); !reflect.DeepEqual(got, want) {
			t.Fatalf("%q gives %q", text, out)
		}
	})
}
