package events

import (
	"bytes"
	"encoding/json"
	"strings"

	"go.uber.org/zap/zapcore"
)

// object takes the secrets out of what is added to an object of a log line.
// Numbers, times and the like cannot hold one and pass through.
type object struct {
	zapcore.ObjectEncoder
	// learned are the credentials that the line's request has presented.
	learned []string
	// headers is true inside an object of HTTP headers, where names count more.
	headers bool
}

func (o *object) secret(key string) bool {
	if o.headers {
		return SecretHeader(key)
	}
	return secretField(key)
}

// name is the key under which a value is written: a client chooses the names
// of its headers.
func (o *object) name(key string) string {
	if o.headers {
		return redact(key, o.learned)
	}
	return key
}

func (o *object) AddString(key, value string) {
	if value != "" && o.secret(key) {
		value = Redacted
	}
	o.ObjectEncoder.AddString(o.name(key), redact(value, o.learned))
}

func (o *object) AddByteString(key string, value []byte) { o.AddString(key, string(value)) }

func (o *object) AddBinary(key string, value []byte) {
	// It is written in base64, where nothing could be found in it any more.
	if text := string(value); o.secret(key) || redact(text, o.learned) != text {
		o.ObjectEncoder.AddString(key, Redacted)
		return
	}
	o.ObjectEncoder.AddBinary(key, value)
}

func (o *object) AddObject(key string, value zapcore.ObjectMarshaler) error {
	o.learned = learn(o.learned, value)
	return o.ObjectEncoder.AddObject(key, redactedObject{value, o.learned, strings.HasSuffix(key, "headers")})
}

func (o *object) AddArray(key string, value zapcore.ArrayMarshaler) error {
	return o.ObjectEncoder.AddArray(o.name(key), redactedArray{value, o.learned, o.secret(key)})
}

func (o *object) AddReflected(key string, value any) error {
	if o.secret(key) {
		value = Redacted
	}
	return o.ObjectEncoder.AddReflected(key, reflected(value, o.learned))
}

type redactedObject struct {
	zapcore.ObjectMarshaler
	learned []string
	headers bool
}

func (r redactedObject) MarshalLogObject(enc zapcore.ObjectEncoder) error {
	return r.ObjectMarshaler.MarshalLogObject(&object{enc, r.learned, r.headers})
}

type redactedArray struct {
	zapcore.ArrayMarshaler
	learned []string
	// whole is true where every element is a secret.
	whole bool
}

func (r redactedArray) MarshalLogArray(enc zapcore.ArrayEncoder) error {
	return r.ArrayMarshaler.MarshalLogArray(&array{enc, r.learned, r.whole})
}

// array is to an array of a log line what object is to an object.
type array struct {
	zapcore.ArrayEncoder
	learned []string
	whole   bool
}

func (a *array) AppendString(value string) {
	if a.whole && value != "" {
		value = Redacted
	}
	a.ArrayEncoder.AppendString(redact(value, a.learned))
}

func (a *array) AppendByteString(value []byte) { a.AppendString(string(value)) }

func (a *array) AppendObject(value zapcore.ObjectMarshaler) error {
	return a.ArrayEncoder.AppendObject(redactedObject{value, a.learned, false})
}

func (a *array) AppendArray(value zapcore.ArrayMarshaler) error {
	return a.ArrayEncoder.AppendArray(redactedArray{value, a.learned, a.whole})
}

func (a *array) AppendReflected(value any) error {
	if a.whole {
		value = Redacted
	}
	return a.ArrayEncoder.AppendReflected(reflected(value, a.learned))
}

// reflected returns what a value is as JSON, redacted. Values of which that is
// not known are left out, since nobody can tell what is in them.
func reflected(value any, learned []string) any {
	switch v := value.(type) {
	case nil, bool, int, int64, uint64, float64:
		return v
	case string:
		return redact(v, learned)
	}
	text, err := json.Marshal(value)
	if err != nil {
		return Redacted
	}
	decoder := json.NewDecoder(bytes.NewReader(text))
	decoder.UseNumber() // digits as they are
	var plain any
	if err := decoder.Decode(&plain); err != nil {
		return Redacted
	}
	return redactTree(plain, learned)
}

func redactTree(node any, learned []string) any {
	switch n := node.(type) {
	case string:
		return redact(n, learned)
	case []any:
		for i := range n {
			n[i] = redactTree(n[i], learned)
		}
	case map[string]any:
		for name, value := range n {
			clean := redact(name, learned)
			if clean != name {
				delete(n, name)
			}
			if secretField(name) && value != nil {
				n[clean] = Redacted
			} else {
				n[clean] = redactTree(value, learned)
			}
		}
	}
	return node
}
