package headers

import (
	"errors"
	"fmt"
	"maps"
	"net/http"
	"slices"

	"github.com/gatehouse-dev/caddy-gatehouse/events/places"
	"github.com/gatehouse-dev/caddy-gatehouse/gate"
	"github.com/gatehouse-dev/caddy-gatehouse/headers/policy"
)

// Overrides change single headers of a preset. Every value may be a placeholder.
type Overrides struct {
	// CSP replaces directives of Content-Security-Policy by their sources (CSP
	// Level 3); the one value `off` takes a directive out.
	CSP map[string][]string `json:"csp,omitempty"`

	// HSTS replaces Strict-Transport-Security, which leaves over TLS alone
	// (RFC 6797, section 7.2).
	HSTS *HSTS `json:"hsts,omitempty"`

	// FrameOptions is X-Frame-Options: deny or sameorigin (RFC 7034). Browsers
	// go by the CSP's frame-ancestors where there is one.
	FrameOptions string `json:"frame_options,omitempty"`

	// ReferrerPolicy is Referrer-Policy.
	ReferrerPolicy string `json:"referrer_policy,omitempty"`

	// PermissionsPolicy replaces features of Permissions-Policy: `none`, `*`, or
	// `self` and origins; `off` takes a feature out.
	PermissionsPolicy map[string][]string `json:"permissions_policy,omitempty"`

	// COOP is Cross-Origin-Opener-Policy.
	COOP string `json:"coop,omitempty"`

	// CORP is Cross-Origin-Resource-Policy: who may embed what is served here.
	CORP string `json:"corp,omitempty"`

	// COEP is Cross-Origin-Embedder-Policy.
	COEP string `json:"coep,omitempty"`

	// CacheControl is the directives of Cache-Control.
	CacheControl []string `json:"cache_control,omitempty"`

	// Attachment has everything that a browser could run or render as a page
	// (all but images without scripts, audio, video and PDF) offered for
	// download. Default: on in the preset media, elsewhere off.
	Attachment bool `json:"attachment,omitempty"`

	// Set sets any header.
	Set map[string]string `json:"set,omitempty"`

	// Remove takes headers out, the backend's too.
	Remove []string `json:"remove,omitempty"`
}

// HSTS is Strict-Transport-Security.
type HSTS struct {
	// MaxAge is how long browsers insist on https, in whole seconds.
	MaxAge gate.Duration `json:"max_age"`
	// IncludeSubdomains extends it to every subdomain.
	IncludeSubdomains bool `json:"include_subdomains,omitempty"`
	// Preload agrees to being put on the browsers' preload list, which is hard
	// to leave. It needs 365d and IncludeSubdomains.
	Preload bool `json:"preload,omitempty"`
}

// apply changes a policy. All mistakes come in one report.
func (o *Overrides) apply(p *policy.Policy, resolve gate.Resolver) error {
	var mistakes []error
	fail := func(err error) { mistakes = append(mistakes, err) }
	// line is how the line begins that says the values.
	list := func(line string, values []string, use func([]string) error) {
		resolved := make([]string, 0, len(values))
		for _, value := range values {
			text, err := resolve(value)
			if err != nil {
				fail(places.At(err, line, value))
				return
			}
			resolved = append(resolved, text)
		}
		fail(places.At(use(resolved), append([]string{line}, values...)...))
	}
	one := func(line, value string, use func(string) error) {
		if value != "" {
			list(line, []string{value}, func(values []string) error { return use(values[0]) })
		}
	}

	for _, directive := range slices.Sorted(maps.Keys(o.CSP)) {
		list("csp "+directive, o.CSP[directive], func(values []string) error { return p.SetCSP(directive, values) })
	}
	for _, feature := range slices.Sorted(maps.Keys(o.PermissionsPolicy)) {
		list("permissions_policy "+feature, o.PermissionsPolicy[feature], func(values []string) error { return p.SetPermission(feature, values) })
	}
	if o.HSTS != nil {
		age, err := o.HSTS.MaxAge.Value(resolve, 0)
		if err != nil {
			err = fmt.Errorf("hsts: %w", err)
		} else {
			err = p.SetHSTS(policy.HSTS{MaxAge: age, IncludeSubdomains: o.HSTS.IncludeSubdomains, Preload: o.HSTS.Preload})
		}
		fail(places.At(err, "hsts", string(o.HSTS.MaxAge)))
	}
	for _, word := range o.words() {
		one(word.option, word.value, func(text string) error { return p.SetWord(word.header, text) })
	}
	if len(o.CacheControl) > 0 {
		list("cache_control", o.CacheControl, p.SetCache)
	}
	p.Attachment = p.Attachment || o.Attachment
	for _, name := range slices.Sorted(maps.Keys(o.Set)) {
		one("set "+name, o.Set[name], func(text string) error { return p.Set(name, text) })
	}
	for _, name := range o.Remove {
		fail(places.At(p.Take(name), "remove", name))
	}
	fail(o.contradictions())
	return errors.Join(mistakes...)
}

// word is an option whose value is one of a few words.
type word struct{ option, header, value string }

func (o *Overrides) words() []word {
	return []word{
		{"frame_options", "X-Frame-Options", o.FrameOptions},
		{"referrer_policy", "Referrer-Policy", o.ReferrerPolicy},
		{"coop", "Cross-Origin-Opener-Policy", o.COOP},
		{"corp", "Cross-Origin-Resource-Policy", o.CORP},
		{"coep", "Cross-Origin-Embedder-Policy", o.COEP},
	}
}

// contradictions finds headers that are said twice.
func (o *Overrides) contradictions() error {
	said := make(map[string]bool)
	var mistakes []error
	say := func(name string, line ...string) {
		if name = http.CanonicalHeaderKey(name); said[name] {
			mistakes = append(mistakes, places.At(fmt.Errorf("%s is said twice: by an option of its own, set or remove: leave one of them out", name), line...))
		}
		said[name] = true
	}
	if len(o.CSP) > 0 {
		say("Content-Security-Policy")
	}
	if o.HSTS != nil {
		say("Strict-Transport-Security")
	}
	if len(o.PermissionsPolicy) > 0 {
		say("Permissions-Policy")
	}
	for _, word := range o.words() {
		if word.value != "" {
			say(word.header)
		}
	}
	if len(o.CacheControl) > 0 {
		say("Cache-Control")
	}
	for _, name := range slices.Sorted(maps.Keys(o.Set)) {
		say(name, "set", name)
	}
	for _, name := range o.Remove {
		say(name, "remove", name)
	}
	return errors.Join(mistakes...)
}
