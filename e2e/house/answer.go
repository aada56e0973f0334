package house

import (
	"context"
	"io"
	"net/http"
	"strings"
	"testing"
)

// Answer is a response, read to its end.
type Answer struct {
	Status int
	Header http.Header
	Body   string
}

// Send sends a request and reads its answer. The header holds names and values
// in turn; a name may come again.
func Send(ctx context.Context, client *http.Client, method, url, body string, header ...string) (Answer, error) {
	request, err := http.NewRequestWithContext(ctx, method, url, strings.NewReader(body))
	if err != nil {
		return Answer{}, err
	}
	for i := 0; i < len(header); i += 2 {
		request.Header.Add(header[i], header[i+1])
	}
	response, err := client.Do(request)
	if err != nil {
		return Answer{}, err
	}
	defer response.Body.Close()
	text, err := io.ReadAll(response.Body)
	return Answer{response.StatusCode, response.Header, string(text)}, err
}

// Ask is Send for a test that cannot go on without the answer.
func Ask(t testing.TB, client *http.Client, method, url, body string, header ...string) Answer {
	t.Helper()
	answer, err := Send(t.Context(), client, method, url, body, header...)
	if err != nil {
		t.Fatalf("%s %s: %v", method, url, err)
	}
	return answer
}
