package doctor

import (
	"fmt"
	"slices"
	"strconv"
	"strings"
)

// checkHeaders is item 9: "Test security headers with online tools".
func checkHeaders(d *Deployment, r *Result) {
	for _, s := range d.guarded() {
		if s.Refused == nil {
			r.warn("see the check certificate", "%s could not be asked", s.Name)
			continue
		}
		g := GradeHeaders(s.Refused.Header, s.TLS)
		saw := fmt.Sprintf("%s: grade %s, %d points of 100", s.Name, g.Letter, g.Points)
		if len(g.Missing) > 0 {
			saw += ": " + strings.Join(g.Missing, "; ")
		}
		const remedy = "write `agent_headers api`, before whatever answers"
		switch {
		case g.Points >= 90:
			r.ok("%s", saw)
		case g.Points >= 70:
			r.warn(remedy, "%s", saw)
		default:
			r.fail(remedy, "%s", saw)
		}
	}
}

// Grade is how headers score by the rules of Mozilla's HTTP Observatory, its
// penalties, without the bonuses.
type Grade struct {
	Letter  string
	Points  int
	Missing []string // why points were lost
}

// grades are the letters, from the points on.
var grades = []struct {
	from   int
	letter string
}{{100, "A+"}, {90, "A"}, {85, "A-"}, {80, "B+"}, {70, "B"}, {65, "B-"}, {60, "C+"}, {50, "C"}, {45, "C-"}, {40, "D+"}, {30, "D"}, {25, "D-"}, {0, "F"}}

// GradeHeaders grades the headers of a response; over https is whether it came so.
func GradeHeaders(h map[string]string, https bool) Grade {
	g := Grade{Points: 100}
	lose := func(points int, why string) {
		g.Points -= points
		g.Missing = append(g.Missing, why)
	}
	csp := policyOf(h["Content-Security-Policy"])
	switch scripts := sourcesOf(csp, "script-src"); {
	case len(csp) == 0:
		lose(25, "no Content-Security-Policy")
	case slices.Contains(scripts, "'unsafe-inline'"), slices.Contains(scripts, "*"), len(scripts) == 0:
		lose(20, "the Content-Security-Policy lets any script run")
	case slices.Contains(scripts, "'unsafe-eval'"):
		lose(10, "the Content-Security-Policy allows unsafe-eval")
	}
	if https {
		switch age := maxAge(h["Strict-Transport-Security"]); {
		case age == 0:
			lose(20, "no Strict-Transport-Security")
		case age < 15552000:
			lose(10, "Strict-Transport-Security of less than six months")
		}
	}
	if !strings.EqualFold(h["X-Content-Type-Options"], "nosniff") {
		lose(5, "no X-Content-Type-Options: nosniff")
	}
	_, ancestors := csp["frame-ancestors"]
	if frames := strings.ToUpper(h["X-Frame-Options"]); frames != "DENY" && frames != "SAMEORIGIN" && !ancestors {
		lose(20, "it may be framed by any page")
	}
	if referrer := h["Referrer-Policy"]; referrer == "unsafe-url" || referrer == "no-referrer-when-downgrade" || referrer == "origin" || referrer == "origin-when-cross-origin" {
		lose(5, "a Referrer-Policy that tells other sites where visitors come from")
	}
	for _, product := range []string{"Server", "X-Powered-By", "Via"} {
		if h[product] != "" {
			lose(5, product+" tells of the software: "+h[product])
		}
	}
	g.Points = max(g.Points, 0)
	for _, grade := range grades {
		if g.Points >= grade.from {
			g.Letter = grade.letter
			break
		}
	}
	return g
}

func policyOf(csp string) map[string][]string {
	policy := make(map[string][]string)
	for directive := range strings.SplitSeq(strings.ToLower(csp), ";") {
		if words := strings.Fields(directive); len(words) > 0 {
			policy[words[0]] = words[1:]
		}
	}
	return policy
}

func sourcesOf(policy map[string][]string, directive string) []string {
	if sources, ok := policy[directive]; ok {
		return sources
	}
	return policy["default-src"]
}

func maxAge(hsts string) int {
	for part := range strings.SplitSeq(strings.ToLower(hsts), ";") {
		if text, ok := strings.CutPrefix(strings.TrimSpace(part), "max-age="); ok {
			age, _ := strconv.Atoi(strings.Trim(text, `"`))
			return age
		}
	}
	return 0
}
