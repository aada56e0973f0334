package ratelimit

import (
	"errors"
	"fmt"
	"net/http"
	"regexp"
	"slices"
	"strings"
	"time"

	"github.com/caddyserver/caddy/v2"
	"github.com/caddyserver/caddy/v2/modules/caddyhttp"
	"github.com/gatehouse-dev/caddy-gatehouse/events/places"
	"github.com/gatehouse-dev/caddy-gatehouse/gate"
	"github.com/gatehouse-dev/caddy-gatehouse/ratelimit/window"
)

// Tier is a named limit on the requests that match.
type Tier struct {
	// Name stands in headers, events and metrics: lower-case letters, digits,
	// hyphens and underscores.
	Name string `json:"name"`

	// MatchRaw says which requests count. Default: all.
	MatchRaw caddyhttp.RawMatcherSets `json:"match,omitempty" caddy:"namespace=http.matchers"`

	// Limits hold all at once: at least one, at most eight, of different windows.
	Limits []Limit `json:"limits"`

	// By says who is counted together: "key" (callers with the same key; a
	// caller without one by its address), "ip", "key_and_ip", or a placeholder
	// of the request, such as {http.request.header.X-Tenant}; where that is
	// empty, the address. Default: keys by key, keys from the environment by
	// key and address, since many people share one, and strangers by address.
	By string `json:"by,omitempty"`

	// Count is "failures" for a tier that counts only requests that are
	// answered with 400 or more. Each is counted when it comes and given back
	// when its response begins well. Default: every request counts.
	Count string `json:"count,omitempty"`

	// Free are statuses of responses that cost nothing, such as 304: the
	// request is counted when it comes and given back then. Default: none.
	Free []int `json:"free,omitempty"`

	// Code is the machine-readable code of the refusal, in capitals.
	// Default: RATE_LIMIT_EXCEEDED.
	Code string `json:"code,omitempty"`

	// Message is the sentence of the refusal.
	// Default: Too many requests. Please try again later.
	Message string `json:"message,omitempty"`

	// Shadow lets every request pass: what would have been refused is an event
	// with enforced=false. Default: false.
	Shadow bool `json:"shadow,omitempty"`

	// IPv6Prefix is how much of an IPv6 address tells clients apart, from 32 to
	// 64 bits. Default: 64, which is what one customer is given.
	IPv6Prefix gate.Number `json:"ipv6_prefix,omitempty"`

	// Shared names counters that all tiers with the same name share, whatever
	// site they stand in. Their numbers must be the same. Default: the tier's
	// counters are the site's own.
	Shared string `json:"shared,omitempty"`
}

// Limit admits a number of requests in every window of a length.
type Limit struct {
	// Requests is the number, from 1 to 2147483647.
	Requests gate.Number `json:"requests"`
	// Window is the length, from 1ms to 49 days.
	Window gate.Duration `json:"window"`
	// Minutes says that a window that is a bare number counts minutes, as some
	// environment variables do. Default: a bare number is an error.
	Minutes bool `json:"minutes,omitempty"`
}

const (
	defaultTier    = "default"
	defaultCode    = "RATE_LIMIT_EXCEEDED"
	defaultMessage = "Too many requests. Please try again later."

	countFailures = "failures"

	maxTiers = 1000
	// maxCounting bounds the tiers that count one request: each of them is
	// checked and charged, and has its place in the fields of the response.
	maxCounting = 32
	// fewTiers are asked one by one, which costs no more than to look them up.
	fewTiers = 8
)

// tier is a Tier, ready for requests.
type tier struct {
	*Tier
	spec     window.Spec
	counted  *window.Tier
	match    gate.Requests
	by       by
	prefix   int
	failures bool
	// open says that the tier's standing is announced with every response:
	// not of what refuses nothing, or counts only what has failed.
	open      bool
	announced map[string][]announced // by plan; "" is no plan
	message   string                 // of the event
	endpoint  bool
	metrics   tierMetrics
}

var (
	tierName = regexp.MustCompile(`^[a-z0-9][a-z0-9_-]{0,63}$`)
	codeName = regexp.MustCompile(`^[A-Z][A-Z0-9_]{0,63}$`)
)

// check reports the mistakes that can be seen without resolving anything.
func (t *Tier) check() error {
	var mistakes []error
	wrong := func(format string, args ...any) { mistakes = append(mistakes, fmt.Errorf(format, args...)) }
	if !tierName.MatchString(t.Name) {
		wrong("the name %q: use lower-case letters, digits, hyphens and underscores", t.Name)
	}
	if len(t.Limits) == 0 {
		wrong("it has no limit: write `limit <requests> <window>`")
	}
	if t.Count != "" && t.Count != countFailures {
		wrong("count %s: all that can be counted apart is `count failures`", t.Count)
	}
	if t.Count != "" && len(t.Free) > 0 {
		wrong("free stands beside count: a tier that counts failures says already what costs nothing")
	}
	for _, status := range t.Free {
		if status < 200 || status > 599 {
			wrong("free %d: this is no status of a response (200 to 599)", status)
		}
	}
	if t.Code != "" && !codeName.MatchString(t.Code) {
		wrong("code %q: use capitals, digits and underscores", t.Code)
	}
	if t.Shared != "" && !tierName.MatchString(t.Shared) {
		wrong("shared %q: use lower-case letters, digits, hyphens and underscores", t.Shared)
	}
	if _, err := parseBy(t.By); err != nil {
		wrong("%w", err)
	}
	return errors.Join(mistakes...)
}

// compile makes a tier ready. plans are the limits of callers on a plan.
func (l *RateLimit) compile(ctx caddy.Context, config *Tier, site string) (*tier, error) {
	if err := config.check(); err != nil {
		return nil, err
	}
	t := &tier{Tier: config, prefix: 64, failures: config.Count == countFailures, metrics: newTierMetrics(config.Name)}
	t.open = !t.failures && !config.Shadow
	var mistakes []error
	if config.MatchRaw != nil {
		var err error
		t.match, err = l.door.LoadRequests(ctx, config, "MatchRaw")
		mistakes = append(mistakes, err)
	}
	t.by, _ = parseBy(config.By) // as check has found
	if name, ok := strings.CutPrefix(config.By, "{http.request.header."); ok {
		if err := l.door.CheckField(strings.TrimSuffix(name, "}")); err != nil {
			mistakes = append(mistakes, places.At(fmt.Errorf("by: %w", err), "by", config.By))
		}
	}
	if config.IPv6Prefix != "" {
		bits, err := config.IPv6Prefix.Int(l.resolve)
		if err == nil && (bits < 32 || bits > 64) {
			err = fmt.Errorf("%d is not between 32 and 64", bits)
		}
		if err != nil {
			mistakes = append(mistakes, places.At(fmt.Errorf("ipv6_prefix: %w", err), "ipv6_prefix", string(config.IPv6Prefix)))
		}
		t.prefix = bits
	}
	spec, err := l.spec(config)
	t.spec = spec
	mistakes = append(mistakes, err)
	if err := errors.Join(mistakes...); err != nil {
		return nil, err
	}
	name := site + "/" + config.Name
	if config.Shared != "" {
		name = "shared/" + config.Shared
	}
	if t.counted, err = l.limits.define(name, spec, config.Shared != ""); err != nil {
		return nil, places.At(err, "shared", config.Shared)
	}
	if t.announced, err = announce(config.Name, spec); err != nil {
		return nil, err
	}
	if config.Code == "" {
		t.Code = defaultCode
	}
	if config.Message == "" {
		t.Message = defaultMessage
	}
	t.message, t.endpoint = eventMessage(config.Name)
	return t, nil
}

// spec resolves the numbers of a tier, with those of the plans that name it.
func (l *RateLimit) spec(config *Tier) (window.Spec, error) {
	spec := window.Spec{Shadow: config.Shadow}
	var mistakes []error
	resolved := func(limits []Limit, line ...string) (all []window.Limit) {
		for _, limit := range limits {
			resolved, err := limit.resolve(l.resolve)
			mistakes = append(mistakes, places.At(err, append(line, string(limit.Requests), string(limit.Window))...))
			all = append(all, resolved)
		}
		return all
	}
	spec.Limits = resolved(config.Limits, config.line())
	for plan, tiers := range l.Plans {
		if limits, ok := tiers[config.Name]; ok {
			if spec.Plans == nil {
				spec.Plans = make(map[string][]window.Limit)
			}
			spec.Plans[plan] = resolved(limits, config.Name)
		}
	}
	if err := errors.Join(mistakes...); err != nil {
		return spec, err
	}
	return spec, spec.Check()
}

// line is how a line begins that says a limit of the tier.
func (t *Tier) line() string {
	if t.Name == defaultTier {
		return "agent_rate_limit" // which stands there without a block
	}
	return "limit"
}

func (limit Limit) resolve(resolve gate.Resolver) (resolved window.Limit, err error) {
	if resolved.N, err = limit.Requests.Int(resolve); err != nil {
		return resolved, fmt.Errorf("limit %s %s: %w", limit.Requests, limit.Window, err)
	}
	unit := time.Duration(0)
	if limit.Minutes {
		unit = time.Minute
	}
	if resolved.Window, err = limit.Window.Value(resolve, unit); err != nil {
		return resolved, fmt.Errorf("limit %s %s: %w", limit.Requests, limit.Window, err)
	}
	if err := resolved.Check(); err != nil {
		return resolved, fmt.Errorf("limit %s %s: %w", limit.Requests, limit.Window, err)
	}
	return resolved, nil
}

// eventMessage is the sentence of the documents: plain for the tier of all
// requests, with the tier's name and the endpoint for any other.
func eventMessage(name string) (message string, endpoint bool) {
	if name == defaultTier || name == "api" {
		return "[SECURITY] Rate limit exceeded for IP:", false
	}
	words := strings.NewReplacer("_", " ", "-", " ").Replace(name)
	return "[SECURITY] " + strings.ToUpper(words[:1]) + words[1:] + " rate limit exceeded for IP:", true
}

// settles reports whether the response decides if a request costs.
func (t *tier) settles() bool { return t.failures || len(t.Free) > 0 }

// costs reports whether a request that was answered with the status costs.
func (t *tier) costs(status int) bool {
	if t.failures {
		return status >= http.StatusBadRequest
	}
	return !slices.Contains(t.Free, status)
}
