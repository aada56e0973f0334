package policy

import (
	"fmt"
	"net/url"
	"strings"
)

// features are the features of Permissions-Policy that can be named. A name
// that browsers do not know would silently do nothing.
var features = func() map[string]bool {
	known := make(map[string]bool)
	for _, name := range strings.Fields(`
		accelerometer ambient-light-sensor attribution-reporting autoplay battery bluetooth browsing-topics
		camera captured-surface-control clipboard-read clipboard-write compute-pressure
		cross-origin-isolated deferred-fetch deferred-fetch-minimal digital-credentials-create digital-credentials-get
		display-capture document-domain encrypted-media fullscreen gamepad geolocation gyroscope hid
		identity-credentials-get idle-detection interest-cohort keyboard-map language-detector language-model
		local-fonts local-network-access magnetometer microphone midi on-device-speech-recognition
		otp-credentials payment picture-in-picture private-state-token-issuance private-state-token-redemption
		publickey-credentials-create publickey-credentials-get rewriter screen-wake-lock serial speaker-selection
		storage-access summarizer sync-xhr translator unload usb web-share window-management writer
		xr-spatial-tracking`) {
		known[name] = true
	}
	return known
}()

// SetPermission allows a feature to `none`, to `*`, or to `self` and origins.
// `off` takes the feature out of the header.
func (p *Policy) SetPermission(feature string, allowed []string) error {
	if !features[feature] {
		return fmt.Errorf("permissions_policy: %q is no feature that browsers know", feature)
	}
	if len(allowed) == 0 {
		return fmt.Errorf("permissions_policy %s: say who may use it: none, self, *, or origins", feature)
	}
	if p.Permissions == nil {
		p.Permissions = make(map[string]string)
	}
	delete(p.Remove, permissionsHeader)
	if len(allowed) == 1 {
		switch allowed[0] {
		case "off":
			delete(p.Permissions, feature)
			return nil
		case "none":
			p.Permissions[feature] = "()"
			return nil
		case "*":
			p.Permissions[feature] = "*"
			return nil
		}
	}
	items := make([]string, 0, len(allowed))
	for _, item := range allowed {
		switch {
		case item == "self":
		case isWebOrigin(item):
			item = `"` + item + `"`
		default:
			return fmt.Errorf("permissions_policy %s: %q is neither self nor an origin such as https://app.example.com; none, * and off stand alone", feature, item)
		}
		items = append(items, item)
	}
	p.Permissions[feature] = "(" + strings.Join(items, " ") + ")"
	return nil
}

// isWebOrigin reports whether s is the serialized origin of a web page.
func isWebOrigin(s string) bool {
	u, err := url.Parse(s)
	return err == nil && (u.Scheme == "https" || u.Scheme == "http") && u.Host != "" &&
		s == u.Scheme+"://"+u.Host && s == strings.ToLower(s) && strings.Trim(u.Host, "abcdefghijklmnopqrstuvwxyz0123456789.-:*[]") == ""
}
