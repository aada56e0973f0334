package house

import (
	"os"
	"testing"
)

// Screenshot writes what the page shows to a PNG file.
func (p *Page) Screenshot(t testing.TB, file string) {
	t.Helper()
	p.browser.call(t, p.session, "Emulation.setDeviceMetricsOverride",
		map[string]any{"width": 1280, "height": 800, "deviceScaleFactor": 1, "mobile": false}, nil)
	var shot struct{ Data []byte } // base64 in JSON
	p.browser.call(t, p.session, "Page.captureScreenshot", map[string]any{"format": "png"}, &shot)
	if err := os.WriteFile(file, shot.Data, 0o600); err != nil {
		t.Fatal(err)
	}
}

// Targets returns the URLs of all that the browser shows: pages, and the frames
// that run apart from theirs, such as the viewer of PDFs.
func (b *Browser) Targets(t testing.TB) []string {
	t.Helper()
	var answer struct{ TargetInfos []struct{ URL string } }
	b.call(t, "", "Target.getTargets", map[string]any{"filter": []any{map[string]any{}}}, &answer)
	var urls []string
	for _, target := range answer.TargetInfos {
		urls = append(urls, target.URL)
	}
	return urls
}
