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
