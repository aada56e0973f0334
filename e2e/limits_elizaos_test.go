package e2e_test

import (
	"bytes"
	"fmt"
	"mime/multipart"
	"net/http"
	"net/http/httptest"
	"strconv"
	"sync"
	"testing"
	"time"

	"github.com/gatehouse-dev/caddy-gatehouse/e2e/house"
)

// limitedGate is the one-line gate on plain http, in front of an ElizaOS server.
// Clients say by X-Forwarded-For who they are.
func limitedGate(t *testing.T, e *house.ElizaOS, lines string) (client *http.Client, url string) {
	t.Helper()
	g := house.StartGate(t, house.GateConfig{
		Global: "servers {\ntrusted_proxies static 127.0.0.0/8\ntrusted_proxies_strict\n}",
		Sites:  fmt.Sprintf("http://localhost {\ngatehouse elizaos 127.0.0.1:%d {\n%s\n}\n}", e.Port, lines),
		Env:    []string{"ELIZA_SERVER_AUTH_TOKEN=" + e.Token, "ELIZA_API_KEY=" + clientKey},
	})
	client = house.Client(t, "")
	client.Transport.(*http.Transport).MaxIdleConnsPerHost = 40
	return client, fmt.Sprintf("http://localhost:%d", g.Config.HTTPPort)
}

func sendAs(t *testing.T, client *http.Client, method, url, from, contentType string, body []byte) house.Answer {
	t.Helper()
	header := []string{"X-API-KEY", clientKey}
	if from != "" {
		header = append(header, "X-Forwarded-For", from)
	}
	if contentType != "" {
		header = append(header, "Content-Type", contentType)
	}
	answer, err := house.Send(t.Context(), client, method, url, string(body), header...)
	if err != nil {
		t.Error(err)
	}
	return answer
}

// Fifty uploads go through to the real server, the next is refused in the words
// of its documents, and another client is not.
func TestUploadsRefusedAt51(t *testing.T) {
	e := house.SharedElizaOS(t)
	client, url := limitedGate(t, e, "")
	var form bytes.Buffer
	writer := multipart.NewWriter(&form)
	part, err := writer.CreateFormFile("file", "note.txt")
	if err != nil {
		t.Fatal(err)
	}
	fmt.Fprint(part, "a note")
	writer.Close()
	upload := func(from string) house.Answer {
		return sendAs(t, client, http.MethodPost, url+"/api/media/agents/"+e.AgentID+"/upload-media", from, writer.FormDataContentType(), form.Bytes())
	}
	for i := range 50 {
		if got := upload(""); got.Status == http.StatusTooManyRequests {
			t.Fatalf("upload %d is refused: %s", i+1, got.Body)
		}
	}
	got := upload("")
	const want = `{"success":false,"error":{"code":"UPLOAD_RATE_LIMIT_EXCEEDED","message":"Too many upload attempts. Please try again later."}}`
	if got.Status != http.StatusTooManyRequests || got.Body != want {
		t.Errorf("upload 51: %d %s", got.Status, got.Body)
	}
	steps := house.Drive{Server: e, URL: url, Key: clientKey, Steps: []string{"agents", "message servers", "create channel", "media upload"}}.Run(t)
	if last := steps[len(steps)-1]; last.Status != http.StatusTooManyRequests || last.Code != "UPLOAD_RATE_LIMIT_EXCEEDED" {
		t.Errorf("the official client's upload: %+v", steps)
	}
	wait, err := strconv.Atoi(got.Header.Get("Retry-After"))
	if err != nil || wait < 1 || wait > 15*60+15 {
		t.Errorf("Retry-After: %q", got.Header.Get("Retry-After"))
	}
	if got := upload("192.0.2.51"); got.Status == http.StatusTooManyRequests {
		t.Errorf("another client is refused: %s", got.Body)
	}
}

// A client that is told to wait n seconds succeeds after n, and is refused after
// n-1. The window is half a second from whole ones, so that both can be told.
func TestRetryAfterIsTrue(t *testing.T) {
	e := house.SharedElizaOS(t)
	client, url := limitedGate(t, e, "rate_limit {\ntier api {\nlimit 2 2500ms\n}\n}")
	ping := func() house.Answer {
		return sendAs(t, client, http.MethodGet, url+"/api/server/ping", "192.0.2.60", "", nil)
	}
	for range 10 {
		ping()
		ping()
		before := time.Now()
		refused := ping()
		after := time.Now()
		n, err := strconv.Atoi(refused.Header.Get("Retry-After"))
		if refused.Status != http.StatusTooManyRequests || n != 3 {
			t.Logf("the machine is too busy for three in a window: %d, %s, %v", refused.Status, refused.Header.Get("Retry-After"), err)
			time.Sleep(3 * time.Second)
			continue
		}
		time.Sleep(time.Until(before.Add(2 * time.Second)))
		early := ping()
		if time.Since(before) > 2300*time.Millisecond {
			t.Log("the machine is too busy to be early")
			time.Sleep(3 * time.Second)
			continue
		}
		if early.Status != http.StatusTooManyRequests {
			t.Errorf("after 2 of 3 seconds: %d", early.Status)
		}
		time.Sleep(time.Until(after.Add(3 * time.Second)))
		if got := ping(); got.Status != http.StatusOK {
			t.Errorf("after 3 seconds: %d %s", got.Status, got.Body)
		}
		return
	}
	t.Error("ten times the machine was too busy")
}

// Forty browsers with one key, each at its own address, send 900 requests each
// within a window; none is refused by the gate.
func TestFortyBrowsersWithOneKey(t *testing.T) {
	backend := httptest.NewServer(http.HandlerFunc(func(w http.ResponseWriter, _ *http.Request) { fmt.Fprint(w, "[]") }))
	defer backend.Close()
	g := house.StartGate(t, house.GateConfig{
		Global: "servers {\ntrusted_proxies static 127.0.0.0/8\ntrusted_proxies_strict\n}",
		Sites:  "http://localhost {\ngatehouse elizaos " + backend.Listener.Addr().String() + "\n}",
		Env:    []string{"ELIZA_SERVER_AUTH_TOKEN=the-token-of-the-backend-0123456789", "ELIZA_API_KEY=" + clientKey},
	})
	url := fmt.Sprintf("http://localhost:%d/api/agents", g.Config.HTTPPort)
	client := house.Client(t, "")
	client.Transport.(*http.Transport).MaxIdleConnsPerHost = 40
	var mu sync.Mutex
	statuses := make(map[int]int)
	var wg sync.WaitGroup
	for browser := range 40 {
		wg.Go(func() {
			for range 900 {
				got := sendAs(t, client, http.MethodGet, url, fmt.Sprintf("192.0.2.%d", browser+1), "", nil)
				mu.Lock()
				statuses[got.Status]++
				mu.Unlock()
			}
		})
	}
	wg.Wait()
	if statuses[http.StatusOK] != 40*900 {
		t.Errorf("the answers: %v", statuses)
	}
	// The limit is there: one browser more at an address is refused at 1001.
	last := 0
	for range 101 {
		last = sendAs(t, client, http.MethodGet, url, "192.0.2.1", "", nil).Status
	}
	if last != http.StatusTooManyRequests {
		t.Errorf("the 1001st request of one browser: %d", last)
	}
}
