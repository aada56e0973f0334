package events

import (
	"slices"
	"strings"
	"sync"
	"sync/atomic"
)

// What this process knows to be secret: values, and names of places where
// secrets stand. Both only grow. A value that a configuration has dropped may
// still be in use elsewhere, and a log line may still be on its way.
var known struct {
	mu     sync.Mutex
	values atomic.Pointer[[]string]
	names  atomic.Pointer[[]string]
}

// minSecret is the length from which a known secret is redacted wherever it
// occurs. A shorter one would take ordinary words out of the log.
const minSecret = 8

// Conceal makes secrets known to the process, so that Redact takes them out
// wherever they occur: the keys that the configuration resolves from the
// environment and from files. Values of less than 8 bytes are not taken.
func Conceal(secrets ...string) {
	remember(&known.values, secrets, func(secret string) bool { return len(secret) >= minSecret })
}

// ConcealName makes the name of a header or query parameter known whose value
// is a secret, in addition to the names that tell so themselves.
func ConcealName(names ...string) {
	plain := make([]string, len(names))
	for i, name := range names {
		plain[i] = string(appendLetters(nil, name))
	}
	remember(&known.names, plain, func(name string) bool { return name != "" })
	judgeCommon()
}

func remember(list *atomic.Pointer[[]string], values []string, want func(string) bool) {
	known.mu.Lock()
	defer known.mu.Unlock()
	var have []string
	if old := list.Load(); old != nil {
		have = slices.Clone(*old)
	}
	for _, value := range values {
		if want(value) && !slices.Contains(have, value) {
			have = append(have, value)
		}
	}
	list.Store(&have)
}

func concealed(list *atomic.Pointer[[]string]) []string {
	if values := list.Load(); values != nil {
		return *values
	}
	return nil
}

// Names are compared by their letters and digits alone, in lower case:
// X-API-KEY, x_api_key and filter[apiKey] all hold "apikey".

// telling are parts of a name that tell of a secret, wherever they stand in
// it, by their first letter: names are asked for many times in each line.
var telling = [256][]string{
	'a': {"apikey", "accesskey", "authkey", "authorization"},
	'c': {"cookie", "credential"},
	'p': {"password", "passwd"},
	's': {"secret"},
	't': {"token", "ticket"},
}

// short are names that tell of a secret in a header or a query, where nothing
// else goes by that name, but not in a log's own fields or in prose.
var short = []string{"key", "auth", "pass", "pwd", "jwt", "sig", "signature", "session"}

// harmless are headers whose names end in "key" and whose values are none.
var harmless = []string{"secwebsocketkey", "idempotencykey", "xidempotencykey"}

// maxName bounds what is looked at of a name.
const maxName = 64

// SecretName reports whether a query parameter of that name holds a secret.
func SecretName(name string) bool {
	var space [maxName]byte
	plain := appendLetters(space[:0], name)
	return tells(plain) || isShort(plain)
}

// SecretHeader is SecretName for headers. It takes any for secret whose name
// ends in "key", as far as it is not known for something else.
func SecretHeader(name string) bool {
	if secret, judged := (*common.Load())[name]; judged {
		return secret
	}
	return secretHeader(name)
}

// common says of the headers that nearly every request has whether they hold a
// secret: they are asked for many times, and the answer is long in the making.
var common atomic.Pointer[map[string]bool]

func init() { judgeCommon() }

func judgeCommon() {
	judged := make(map[string]bool)
	for _, name := range []string{
		"Accept", "Accept-Encoding", "Accept-Language", "Authorization", "Cache-Control", "Connection", "Content-Length", "Content-Type", "Cookie",
		"If-Modified-Since", "If-None-Match", "Origin", "Pragma", "Priority", "Referer", "Sec-Ch-Ua", "Sec-Ch-Ua-Mobile", "Sec-Ch-Ua-Platform",
		"Sec-Fetch-Dest", "Sec-Fetch-Mode", "Sec-Fetch-Site", "Sec-Fetch-User", "Te", "Upgrade", "Upgrade-Insecure-Requests", "User-Agent", "Via",
		"X-Agent-Id", "X-Api-Key", "X-Entity-Id", "X-Forwarded-For", "X-Forwarded-Host", "X-Forwarded-Proto", "X-Real-Ip", "X-Request-Id",
	} {
		judged[name] = secretHeader(name)
	}
	common.Store(&judged)
}

func secretHeader(name string) bool {
	var space [maxName]byte
	plain := appendLetters(space[:0], name)
	if tells(plain) || isShort(plain) {
		return true
	}
	return strings.HasSuffix(string(plain), "key") && !slices.Contains(harmless, string(plain))
}

// secretField is the narrower rule for names in a log line's own fields and in
// prose: "key" is a name of much there that is no secret.
func secretField(name string) bool {
	var space [maxName]byte
	return tells(appendLetters(space[:0], name))
}

func tells(plain []byte) bool {
	for i, c := range plain {
		for _, part := range telling[c] {
			if rest := plain[i:]; len(rest) >= len(part) && string(rest[:len(part)]) == part {
				return true
			}
		}
	}
	for _, name := range concealed(&known.names) {
		if string(plain) == name {
			return true
		}
	}
	return false
}

func isShort(plain []byte) bool { return slices.Contains(short, string(plain)) }

// appendLetters appends the letters and digits of a name in lower case, up to maxName.
func appendLetters(to []byte, name string) []byte {
	for i := 0; i < len(name) && len(to) < maxName; i++ {
		switch c := name[i]; {
		case c >= 'A' && c <= 'Z':
			to = append(to, c+'a'-'A')
		case c >= 'a' && c <= 'z', c >= '0' && c <= '9':
			to = append(to, c)
		}
	}
	return to
}
