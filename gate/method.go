package gate

import "net/http"

// IsGet reports whether a backend takes a method for GET. It does so for HEAD,
// and leaves out the body; and of CONNECT, by which a WebSocket is opened over
// HTTP/2 or 3 (RFC 8441, RFC 9220), the proxy makes a GET, which backends may
// answer as any other.
func IsGet(method string) bool {
	return method == http.MethodGet || method == http.MethodHead || method == http.MethodConnect
}

// ChangesNothing reports whether a method is one of those by which clients ask
// for no change (RFC 9110, section 9.2.1). TRACE, the last of these, is not for
// backends.
func ChangesNothing(method string) bool {
	return method == http.MethodGet || method == http.MethodHead || method == http.MethodOptions
}
