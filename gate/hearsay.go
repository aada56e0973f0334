package gate

import "net/http"

// hearsay is what a header field tells the backend that its sender may have made
// up. Caddy's proxy replaces X-Forwarded-For, -Host and -Proto of anybody who is
// no trusted proxy, and its server takes out what is spelt with underscores, but
// the fields below it lets through.
type hearsay uint8

const (
	_ hearsay = iota
	// whoAsks is the client's address, as a proxy has seen it.
	whoAsks
	// whatIsAsked is another path or another method than the request has, which
	// nobody here would have judged. No proxy has a reason to say it.
	whatIsAsked
)

func hearsayOf(name string) hearsay {
	switch name {
	case "Forwarded", "X-Forwarded", "Forwarded-For", "X-Real-Ip", "X-Client-Ip", "Client-Ip", "X-Cluster-Client-Ip", "X-Original-Forwarded-For",
		"True-Client-Ip", "Cf-Connecting-Ip", "Cf-Connecting-Ipv6", "Cf-Pseudo-Ipv4", "Fastly-Client-Ip", "X-Appengine-User-Ip", "X-Envoy-External-Address":
		return whoAsks
	case "X-Original-Url", "X-Rewrite-Url", "X-Http-Method-Override", "X-Http-Method", "X-Method-Override":
		return whatIsAsked
	}
	return 0
}

// dropHearsay takes out of a request what the backend is not to hear from its
// sender.
func dropHearsay(r *http.Request) {
	for name := range r.Header {
		switch hearsayOf(name) {
		case whatIsAsked:
			delete(r.Header, name)
		case whoAsks:
			if !fromTrustedProxy(r) {
				delete(r.Header, name)
			}
		}
	}
}
