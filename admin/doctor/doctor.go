// Package doctor judges a deployment: what of it is as it should be, what is
// not, and which line cures it. It looks at nothing itself. What it judges was
// observed by others (package survey), so every check can be tried on a
// deployment that is made up.
package doctor

import (
	"fmt"
	"slices"
	"strings"
)

// Status is how a check has come out.
type Status string

// The outcomes, from good to bad.
const (
	OK      Status = "ok"
	Skipped Status = "skipped"
	Warning Status = "warning"
	Failed  Status = "failed"
)

// Check is one thing that is looked at.
type Check struct {
	// Name is what reports and `--skip` call it.
	Name string
	// About is the question that it answers.
	About string
	// Item is the item of ElizaOS' checklist that it answers, counted from 1; 0: none.
	Item int

	judge func(d *Deployment, r *Result)
}

// Checks are all checks, in the order of the checklist and then of what it
// does not ask.
var Checks = []Check{
	{"keys", "are the keys strong, and not too old", 1, checkKeys},
	{"cors", "do pages of named origins alone get answers", 2, checkCORS},
	{"certificate", "is https spoken, with a certificate that is valid and renewed", 3, checkCertificates},
	{"node_env", "is NODE_ENV production", 4, checkNodeEnv},
	{"ui", "is the web UI off", 5, checkUI},
	{"proxy", "does every way to the backend lead through the gate", 6, checkProxy},
	{"log", "is the security log written somewhere", 7, checkLog},
	{"limits", "are there limits, below those of the backend", 8, checkLimits},
	{"headers", "which grade do the security headers get", 9, checkHeaders},
	{"backup", "is there a backup", 10, checkBackup},
	{"server_host", "is the backend told to listen on loopback", 0, checkServerHost},
	{"reach", "can the backend be reached past the gate", 0, checkReach},
	{"open", "which paths answer without a key", 0, checkOpen},
	{"forwarded", "is an address believed that a client makes up", 0, checkForwarded},
	{"admin", "can an agent reach the admin endpoint", 0, checkAdmin},
}

// Result is what a check has found.
type Result struct {
	Check  string `json:"check"`
	About  string `json:"about"`
	Item   int    `json:"item,omitempty"`
	Status Status `json:"status"`
	// Found is what was seen, what is in order included.
	Found []Finding `json:"found"`
}

// Finding is one thing that a check has seen.
type Finding struct {
	Status Status `json:"status"`
	Saw    string `json:"saw"`
	// Remedy is what to write or to do; empty where nothing need be done.
	Remedy string `json:"remedy,omitempty"`
}

func (r *Result) add(status Status, remedy, format string, args ...any) {
	r.Found = append(r.Found, Finding{status, fmt.Sprintf(format, args...), remedy})
	if slices.Index(severity, status) > slices.Index(severity, r.Status) {
		r.Status = status
	}
}

var severity = []Status{OK, Skipped, Warning, Failed}

func (r *Result) ok(format string, args ...any)           { r.add(OK, "", format, args...) }
func (r *Result) warn(remedy, format string, args ...any) { r.add(Warning, remedy, format, args...) }
func (r *Result) fail(remedy, format string, args ...any) { r.add(Failed, remedy, format, args...) }

// Examine runs all checks but those that are to be skipped. It is an error if
// one of these does not exist.
func Examine(d *Deployment, skip []string) ([]Result, error) {
	for _, name := range skip {
		if !slices.ContainsFunc(Checks, func(c Check) bool { return c.Name == name }) {
			return nil, fmt.Errorf("there is no check %q: there are %s", name, strings.Join(names(), ", "))
		}
	}
	var results []Result
	for _, check := range Checks {
		r := Result{Check: check.Name, About: check.About, Item: check.Item, Status: OK, Found: []Finding{}}
		if slices.Contains(skip, check.Name) {
			r.Status = Skipped
		} else {
			check.judge(d, &r)
		}
		results = append(results, r)
	}
	return results, nil
}

func names() []string {
	var all []string
	for _, check := range Checks {
		all = append(all, check.Name)
	}
	return all
}

// Count is how many of the results have a status.
func Count(results []Result, status Status) (n int) {
	for _, r := range results {
		if r.Status == status {
			n++
		}
	}
	return n
}
