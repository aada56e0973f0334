package detect

import (
	"encoding/json"
	"net/url"
	"strings"
)

// jsonDocument returns a value of a query or a form, decoded, if it is a whole document of JSON: an object or a list. Its strings are judged
// each by itself, since what stands between them is the document's, and not what a string was broken out of.
func jsonDocument(value string) (document string, is bool) {
	if len(value) < 2 || value[0] != '{' && value[0] != '[' && !startsEncoded(value) {
		return "", false
	}
	step(2 * len(value))
	document, err := url.QueryUnescape(value)
	if err != nil || !strings.Contains(document, `"`) || !json.Valid([]byte(document)) {
		return "", false
	}
	return document, true
}

// startsEncoded reports whether a value starts with a bracket in its encoded form: %7b or %5b.
func startsEncoded(value string) bool {
	return len(value) > 3 && value[0] == '%' && (value[1] == '7' || value[1] == '5') && value[2]|0x20 == 'b'
}
