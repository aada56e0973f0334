package validate_test

import (
	"fmt"
	"testing"

	"github.com/gatehouse-dev/caddy-gatehouse/gatetest"
)

// TestTwoTypes holds that a body which is declared as two types is refused where
// its type says what is asked of it, and nowhere else.
func TestTwoTypes(t *testing.T) {
	g := start(t, "json 3\njson off /free\nfiles image/png @up")
	const page = "multipart/form-data; boundary=XxX"
	for _, types := range [][]string{{"text/plain", "application/json"}, {"application/json", "text/plain"}, {"text/plain", page}, {"text/plain, application/json"}} {
		headers := []string{}
		for _, name := range types {
			headers = append(headers, "Content-Type", name)
		}
		for _, method := range []string{"POST", "DELETE"} {
			for path, want := range map[string]int{"/x": 400, "/up/x": 400, "/free": 200} {
				expect(t, g, fmt.Sprint(method, path, types), func() gatetest.Response {
					return g.Send(method, path, "[[[[", headers...)
				}, want, map[int]string{400: "INVALID_CONTENT_TYPE"}[want])
			}
		}
	}
}
