package gate

import (
	"net/http"
	"strings"
)

// Encoded reports whether a header says of its body that it is compressed, or
// otherwise not what it is a body of (RFC 9110, section 8.4).
func Encoded(header http.Header) bool {
	for _, encoding := range header["Content-Encoding"] {
		if encoding != "" && !strings.EqualFold(encoding, "identity") {
			return true
		}
	}
	return false
}
