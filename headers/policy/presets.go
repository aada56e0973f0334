package policy

import (
	"maps"
	"slices"
	"strings"
	"time"
)

// The presets.
const (
	// API is for JSON: nothing that it sends may ever run, be framed or be stored.
	API = "api"
	// Web is for the web UI of ElizaOS: the strictest policy under which it works.
	Web = "web"
	// ElizaOS is what ElizaOS documents for production, and its server never sends.
	ElizaOS = "elizaos"
	// Media is for files that users have uploaded or agents have made.
	Media = "media"
)

// PresetNames are the names of the presets, sorted.
func PresetNames() []string { return slices.Sorted(maps.Keys(presets)) }

// Preset returns a copy of a preset.
func Preset(name string) (Policy, bool) {
	p, ok := presets[name]
	return p.Clone(), ok
}

// year is the age that the documents give HSTS.
const year = 365 * 24 * time.Hour

// closed are the features that OWASP's recommended Permissions-Policy closes.
const closed = `accelerometer autoplay camera cross-origin-isolated display-capture encrypted-media fullscreen geolocation
	gyroscope keyboard-map magnetometer microphone midi payment picture-in-picture publickey-credentials-get screen-wake-lock
	usb web-share xr-spatial-tracking clipboard-read clipboard-write gamepad hid idle-detection interest-cohort serial unload`

var presets = map[string]Policy{
	API: {
		CSP:         mustCSP("default-src 'none'; base-uri 'none'; form-action 'none'; frame-ancestors 'none'"),
		HSTS:        &HSTS{MaxAge: year, IncludeSubdomains: true},
		Permissions: permissions("", ""),
		Plain:       common(map[string]string{"Cache-Control": "no-store"}),
	},
	Web: {
		// The UI's logger makes functions of text, its menus add style elements, and
		// it asks GitHub for the latest release and the list of plugins.
		CSP: mustCSP("default-src 'none'; base-uri 'none'; form-action 'self'; frame-ancestors 'none'; " +
			"script-src 'self' 'unsafe-eval'; style-src 'self' 'unsafe-inline'; img-src 'self' data: blob:; font-src 'self'; " +
			"connect-src 'self' https://api.github.com https://raw.githubusercontent.com; media-src 'self' blob: data:; manifest-src 'self'; upgrade-insecure-requests"),
		HSTS:        &HSTS{MaxAge: year, IncludeSubdomains: true},
		Permissions: permissions("autoplay clipboard-write fullscreen microphone", "web-share"),
		// Assets have an ETag: they are kept, and asked for again.
		Plain: common(map[string]string{"Cache-Control": "private, no-cache"}),
	},
	ElizaOS: {
		CSP: mustCSP("default-src 'self'; base-uri 'self'; form-action 'self'; frame-ancestors 'self'; " +
			"script-src 'self' 'unsafe-inline' 'unsafe-eval'; script-src-attr 'none'; style-src 'self' 'unsafe-inline' https:; " +
			"img-src 'self' data: blob: https: http:; font-src 'self' https: data:; connect-src 'self' ws: wss: https: http:; " +
			"media-src 'self' blob: data:; object-src 'none'; frame-src 'self'; upgrade-insecure-requests"),
		HSTS: &HSTS{MaxAge: year, IncludeSubdomains: true},
		Plain: map[string]string{
			"Cross-Origin-Opener-Policy":        "same-origin",
			"Cross-Origin-Resource-Policy":      "cross-origin",
			"Origin-Agent-Cluster":              "?1",
			"Referrer-Policy":                   "no-referrer",
			"X-Content-Type-Options":            "nosniff",
			"X-Dns-Prefetch-Control":            "off",
			"X-Frame-Options":                   "SAMEORIGIN",
			"X-Permitted-Cross-Domain-Policies": "none",
			"X-Xss-Protection":                  "1; mode=block",
		},
	},
	Media: {
		CSP: mustCSP("default-src 'none'; base-uri 'none'; form-action 'none'; frame-ancestors 'none'; " +
			"img-src 'self'; media-src 'self'; style-src 'unsafe-inline'; sandbox"),
		HSTS:        &HSTS{MaxAge: year, IncludeSubdomains: true},
		Permissions: permissions("", ""),
		Plain: common(map[string]string{
			// Pages of the same site may show the files: that is what they are for.
			"Cross-Origin-Resource-Policy": "same-site",
			"Cache-Control":                "private, no-cache",
		}),
		Attachment: true,
	},
}

// common are the headers that api, web and media share, completed by own.
func common(own map[string]string) map[string]string {
	headers := map[string]string{
		"Cross-Origin-Embedder-Policy":      "require-corp",
		"Cross-Origin-Opener-Policy":        "same-origin",
		"Cross-Origin-Resource-Policy":      "same-origin",
		"Origin-Agent-Cluster":              "?1",
		"Referrer-Policy":                   "no-referrer",
		"X-Content-Type-Options":            "nosniff",
		"X-Dns-Prefetch-Control":            "off",
		"X-Frame-Options":                   "DENY",
		"X-Permitted-Cross-Domain-Policies": "none",
		// The filters that this once switched on could be turned against the
		// page itself, and no browser has them any more.
		"X-Xss-Protection": "0",
	}
	maps.Copy(headers, own)
	return headers
}

// permissions closes every feature but those that the site itself may use, and
// leaves out those that Chromium does not know on every system, and complains of.
func permissions(self, without string) map[string]string {
	allow := map[string]string{"sync-xhr": "(self)"} // as OWASP has it
	for _, feature := range strings.Fields(closed) {
		allow[feature] = "()"
	}
	for _, feature := range strings.Fields(self) {
		allow[feature] = "(self)"
	}
	for _, feature := range strings.Fields(without) {
		delete(allow, feature)
	}
	return allow
}

func mustCSP(text string) CSP {
	csp, err := ParseCSP(text)
	if err != nil {
		panic(err) // a preset's text is part of the program
	}
	return csp
}
