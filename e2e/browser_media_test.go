package e2e_test

import (
	"bytes"
	"encoding/json"
	"fmt"
	"image"
	"image/png"
	"mime/multipart"
	"net/http"
	"net/textproto"
	"os"
	"path/filepath"
	"strings"
	"testing"

	"github.com/gatehouse-dev/caddy-gatehouse/e2e/house"
)

// upload stores a file in the real server, which believes the type that the
// sender states and keeps the name's ending, and returns the file's path.
func upload(t *testing.T, e *house.ElizaOS, name, stated string, content []byte) string {
	t.Helper()
	var body bytes.Buffer
	form := multipart.NewWriter(&body)
	part, err := form.CreatePart(textproto.MIMEHeader{
		"Content-Disposition": {`form-data; name="file"; filename="` + name + `"`},
		"Content-Type":        {stated},
	})
	if err != nil {
		t.Fatal(err)
	}
	_, _ = part.Write(content)
	form.Close()
	response := house.Ask(t, http.DefaultClient, http.MethodPost, e.URL+"/api/media/agents/"+e.AgentID+"/upload-media", body.String(),
		"Content-Type", form.FormDataContentType(), "X-API-KEY", e.Token)
	var answer struct{ Data struct{ URL string } }
	if err := json.Unmarshal([]byte(response.Body), &answer); err != nil || answer.Data.URL == "" {
		t.Fatalf("uploading %s: %d %s", name, response.Status, response.Body)
	}
	return answer.Data.URL
}

// A page that a stranger has uploaded runs as a page of the bare server. Behind
// the gate it does not, whatever it is called, and what people upload files for
// is shown as before.
func TestUploadedPagesDoNotRun(t *testing.T) {
	const script = `document.documentElement.dataset.ran = 'yes'`
	page := []byte("<!doctype html><html><title>uploaded</title><script>" + script + "</script></html>")
	drawing := []byte(`<svg xmlns="http://www.w3.org/2000/svg" width="9" height="9"><script>` + script + `</script></svg>`)
	var pixel bytes.Buffer
	if err := png.Encode(&pixel, image.NewGray(image.Rect(0, 0, 7, 7))); err != nil {
		t.Fatal(err)
	}
	e := house.SharedElizaOS(t)
	g := house.StartGate(t, house.GateConfig{
		Sites: fmt.Sprintf("agents.test {\n\ttls internal\n\tgatehouse elizaos 127.0.0.1:%d {\n\t\tauth {\n\t\t\tpublic /media/*\n\t\t}\n\t}\n}", e.Port),
		Env:   []string{"ELIZA_SERVER_AUTH_TOKEN=" + e.Token, "ELIZA_API_KEY=" + clientKey},
	})
	g.AwaitCertificate(t, "agents.test", g.LocalCA())
	gate := fmt.Sprintf("https://agents.test:%d", g.Config.HTTPSPort)
	browser := house.StartBrowser(t, "--ignore-certificate-errors")
	// What the document that the browser shows says of itself.
	shown := func(p *house.Page) string {
		var got string
		p.Eval(t, `const image = document.images[0], root = document.documentElement;
			return [root.dataset.ran && 'ran', image && image.naturalWidth + ' wide', document.contentType].filter(Boolean).join(' ')`, &got)
		return got
	}
	// The browser's viewer shows a PDF in a frame of its own, under the same URL.
	viewed := func(p *house.Page, url string) bool {
		for range 600 {
			frames := 0
			for _, target := range browser.Targets(t) {
				if target == url {
					frames++
				}
			}
			if frames > 1 {
				return true
			}
			p.Eval(t, `await new Promise(r => setTimeout(r, 100))`, nil)
		}
		return false
	}
	for _, c := range []struct {
		name, stated string
		content      []byte
		bare, gate   string // what the browser shows
	}{
		{"evil.html", "image/png", page, "ran text/html", "net::ERR_ABORTED"},
		{"evil.xhtml", "image/png", bytes.Replace(page, []byte("<!doctype html><html>"), []byte(`<html xmlns="http://www.w3.org/1999/xhtml">`), 1), "ran application/xhtml+xml", "net::ERR_ABORTED"},
		{"evil.svg", "image/png", drawing, "ran image/svg+xml", "net::ERR_ABORTED"},
		{"pixel.png", "image/png", pixel.Bytes(), "7 wide image/png", "7 wide image/png"},
		{"paper.pdf", "application/pdf", []byte(paper), "application/pdf", "application/pdf"},
	} {
		path := upload(t, e, c.name, c.stated, c.content)
		for where, base := range map[string]string{"bare": e.URL, "gate": gate} {
			want := c.gate
			if where == "bare" {
				want = c.bare
			}
			p := browser.Open(t, "about:blank")
			got := p.Try(t, base+path)
			if got == "" {
				got = shown(p)
			}
			if got == "application/pdf" && !viewed(p, base+path) {
				t.Errorf("%s, %s: the browser's viewer does not show it", c.name, where)
			}
			t.Logf("%-10s %s: %s %s", c.name, where, got, strings.Join(p.Console(), "; "))
			if got != want {
				t.Errorf("%s, %s: the browser says %q, not %q", c.name, where, got, want)
			}
			if dir := os.Getenv("GATEHOUSE_E2E_SCREENSHOTS"); dir != "" && got == c.gate {
				p.Screenshot(t, filepath.Join(dir, where+"-"+c.name+".png"))
			}
		}
	}
}

// paper is a PDF of one empty page.
const paper = `%PDF-1.4
1 0 obj<</Type/Catalog/Pages 2 0 R>>endobj
2 0 obj<</Type/Pages/Kids[3 0 R]/Count 1>>endobj
3 0 obj<</Type/Page/Parent 2 0 R/MediaBox[0 0 200 200]/Contents 4 0 R/Resources<</Font<</F1<</Type/Font/Subtype/Type1/BaseFont/Helvetica>>>>>>>>endobj
4 0 obj<</Length 48>>stream
BT /F1 24 Tf 20 100 Td (a paper to read) Tj ET  
endstream endobj
trailer<</Root 1 0 R>>
`
