package ratelimit

import (
	"net/http"
	"strconv"
	"strings"
	"time"

	"github.com/dunglas/httpsfv"
	"github.com/gatehouse-dev/caddy-gatehouse/ratelimit/window"
)

// The response fields that tell a client where it stands, in their canonical
// form for http.Header.
const (
	fieldLimit     = "Ratelimit-Limit"     // draft-ietf-httpapi-ratelimit-headers-06
	fieldRemaining = "Ratelimit-Remaining" // the same
	fieldReset     = "Ratelimit-Reset"     // the same, in seconds from now
	fieldPolicy    = "Ratelimit-Policy"    // draft-ietf-httpapi-ratelimit-headers-11
	fieldStanding  = "Ratelimit"           // the same
)

// fields says which fields are sent.
type fields struct{ draft6, draft11 bool }

// announced is one limit of a tier as the fields write it.
type announced struct {
	window.Limit
	number string // the limit, in digits
	policy string // "api";q=1000;w=900
	begin  string // "api";r=
}

// announce writes down what is known of a tier's limits beforehand, by plan. A
// tier's first limit goes by the tier's name, any further one by its window too.
func announce(tier string, spec window.Spec) (map[string][]announced, error) {
	all := make(map[string][]announced, 1+len(spec.Plans))
	var failed error
	add := func(plan string, limits []window.Limit) {
		for i, limit := range limits {
			name := tier
			if i > 0 {
				name += "-" + limit.Window.String()
			}
			item := httpsfv.NewItem(name)
			begin, err := httpsfv.Marshal(item)
			if err != nil {
				failed = err
			}
			item.Params.Add("q", int64(limit.N))
			item.Params.Add("w", int64(seconds(limit.Window)))
			policy, err := httpsfv.Marshal(item)
			if err != nil {
				failed = err
			}
			all[plan] = append(all[plan], announced{limit, strconv.Itoa(limit.N), policy, begin + ";r="})
		}
	}
	add("", spec.Limits)
	for plan, limits := range spec.Plans {
		add(plan, limits)
	}
	return all, failed
}

// of are the limits for a caller on a plan.
func (t *tier) of(plan string) []announced {
	if a, ok := t.announced[plan]; ok {
		return a
	}
	return t.announced[""]
}

// seconds rounds up: nobody is told to come before it is time.
func seconds(d time.Duration) int { return int((d + time.Second - 1) / time.Second) }

// policyKey is what the value of RateLimit-Policy depends on.
type policyKey struct {
	tiers [maxCounting]uint16 // the numbers of the open tiers, each plus one
	plan  string              // "" where no tier knows it
}

// maxPolicies bounds the values that are kept: matchers that clients have a say
// in may put tiers together in many ways.
const maxPolicies = 2 * maxTiers

// policy is the value of RateLimit-Policy. There are few, and they are kept.
func (l *RateLimit) policy(d *decision) []string {
	key := policyKey{plan: d.plan}
	if _, known := l.Plans[d.plan]; !known {
		key.plan = ""
	}
	open := 0
	for i := range d.charges {
		if d.tier(i).open {
			key.tiers[open] = d.tiers[i] + 1
			open++
		}
	}
	known := l.policies.Load()
	if known != nil {
		if value, ok := (*known)[key]; ok {
			return value
		}
	}
	var parts []string
	for i := range d.charges {
		if t := d.tier(i); t.open {
			for _, limit := range t.of(d.plan) {
				parts = append(parts, limit.policy)
			}
		}
	}
	value := []string{strings.Join(parts, ", ")}
	if known == nil || len(*known) < maxPolicies {
		l.keepPolicy(key, value)
	}
	return value
}

func (l *RateLimit) keepPolicy(key policyKey, value []string) {
	for {
		known := l.policies.Load()
		next := map[policyKey][]string{key: value}
		if known != nil {
			for k, v := range *known {
				next[k] = v
			}
		}
		if l.policies.CompareAndSwap(known, &next) {
			return
		}
	}
}

// write puts the fields into the response: the draft-6 trio for the tightest
// tier, or the one that refuses, and the standing in every open tier.
func (d *decision) write(h http.Header) {
	if d.limiter.fields == (fields{}) {
		return
	}
	// One string holds all numbers; the trio's values are parts of it.
	var room [160]byte
	text, tightest := room[:0], -1
	var remaining, reset [2]int
	for i := range d.charges {
		t := d.tier(i)
		if !t.open && i != d.verdict.Refusal {
			continue
		}
		st := &d.charges[i].Standing
		if len(text) > 0 {
			text = append(text, ", "...)
		}
		text = append(text, t.begin(d.plan, st)...)
		from := len(text)
		text = strconv.AppendInt(text, int64(st.Remaining), 10)
		to := len(text)
		text = append(text, ";t="...)
		resetFrom := len(text)
		text = strconv.AppendInt(text, int64(seconds(st.Reset)), 10)
		if tightest < 0 || i == d.verdict.Refusal || tightest != d.verdict.Refusal && st.Tighter(&d.charges[tightest].Standing) {
			tightest, remaining, reset = i, [2]int{from, to}, [2]int{resetFrom, len(text)}
		}
	}
	if tightest < 0 {
		return
	}
	all := string(text)
	values := new([4]string)
	put := func(i int, name, value string) {
		values[i] = value
		h[name] = values[i : i+1 : i+1]
	}
	if d.limiter.fields.draft6 {
		put(0, fieldLimit, d.tier(tightest).number(d.plan, d.charges[tightest].Standing.Limit))
		put(1, fieldRemaining, all[remaining[0]:remaining[1]])
		put(2, fieldReset, all[reset[0]:reset[1]])
	}
	if d.limiter.fields.draft11 {
		put(3, fieldStanding, all)
		if policy := d.limiter.policy(d); policy[0] != "" {
			h[fieldPolicy] = policy
		}
	}
}

// begin is how the standing of a limit begins. While a reload is under way the
// numbers may be those of the other configuration: then the tier's name serves.
func (t *tier) begin(plan string, st *window.Standing) string {
	limits := t.of(plan)
	for i := range limits {
		if limits[i].Window == st.Window {
			return limits[i].begin
		}
	}
	return limits[0].begin
}

func (t *tier) number(plan string, n int) string {
	limits := t.of(plan)
	for i := range limits {
		if limits[i].N == n {
			return limits[i].number
		}
	}
	return strconv.Itoa(n)
}
