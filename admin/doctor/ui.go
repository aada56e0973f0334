package doctor

import "net/http"

// checkUI is item 5: "Disable web UI with ELIZA_UI_ENABLE=false".
func checkUI(d *Deployment, r *Result) {
	remedy := "write ELIZA_UI_ENABLE=false " + d.Environment.place() + ", and take `ui on` out of the Caddyfile"
	for _, s := range d.guarded() {
		page := s.Page
		switch {
		case s.UI:
			r.fail(remedy, "%s serves the web UI to everybody", s.Name)
		case page != nil && page.Status == http.StatusOK && page.HTML:
			r.fail(remedy, "%s answers / with a page, without a key", s.Name)
		case page != nil:
			r.ok("%s answers / with %d", s.Name, page.Status)
		default:
			r.ok("%s: the web UI is off", s.Name)
		}
	}
}
