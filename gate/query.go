package gate

import (
	"net/http"
	"net/url"
	"slices"
	"strings"
)

// QueryValues returns the values of the parameters of that name in a raw query.
// It reads a query as it stands: what cannot be decoded has no other name.
func QueryValues(query, name string) []string {
	if query == "" {
		return nil
	}
	var values []string
	for pair := range strings.SplitSeq(query, "&") {
		given, value, _ := strings.Cut(pair, "=")
		if !isParameter(given, name) {
			continue
		}
		if plain, err := url.QueryUnescape(value); err == nil {
			value = plain
		}
		values = append(values, value)
	}
	return values
}

func isParameter(given, name string) bool {
	if given == name {
		return true
	}
	if strings.IndexByte(given, '%') < 0 {
		return false
	}
	plain, err := url.QueryUnescape(given)
	return err == nil && plain == name
}

// TakeQuery takes the parameters of that name out of the request's query, since
// they hold a credential: neither the backend nor a handler that comes later is
// to see them. What is left stands as it stood.
func (req *Request) TakeQuery(r *http.Request, name string) {
	if !takeQuery(r.URL, name) {
		return
	}
	r.RequestURI = r.URL.RequestURI()
	if !slices.Contains(req.taken, name) {
		req.taken = append(req.taken, name)
	}
}

func takeQuery(u *url.URL, name string) bool {
	if u.RawQuery == "" {
		return false
	}
	pairs := strings.Split(u.RawQuery, "&")
	kept := slices.DeleteFunc(slices.Clone(pairs), func(pair string) bool {
		given, _, _ := strings.Cut(pair, "=")
		return isParameter(given, name)
	})
	if len(kept) == len(pairs) {
		return false
	}
	u.RawQuery = strings.Join(kept, "&")
	return true
}
