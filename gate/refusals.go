package gate

import (
	"net/http"
	"sync"
	"time"

	"github.com/gatehouse-dev/caddy-gatehouse/events"
)

// Refused is a request that was refused, as it is remembered: what the log says
// of it, and when it would pass. No secret is in it.
type Refused struct {
	// ID is the request's.
	ID     string    `json:"id,omitempty"`
	Time   time.Time `json:"time"`
	Method string    `json:"method"`
	URI    string    `json:"uri"`
	Client string    `json:"client_ip,omitempty"`
	KeyID  string    `json:"key_id,omitempty"`
	Status int       `json:"status"`
	Code   string    `json:"code"`
	// Event, Step, Rule, Tier, Class and Reason are those of the event.
	Event  events.Name `json:"event,omitempty"`
	Step   string      `json:"step,omitempty"`
	Rule   string      `json:"rule,omitempty"`
	Tier   string      `json:"tier,omitempty"`
	Class  string      `json:"class,omitempty"`
	Reason string      `json:"reason,omitempty"`
	// At is where the step stands in the configuration that ran, as a path of
	// Caddy's admin API under /config/.
	At string `json:"at,omitempty"`
	// Line is where that is written in the Caddyfile. The command line fills it in.
	Line string `json:"line,omitempty"`
	// Passes is when the same request will pass, where time is all that it
	// takes.
	Passes time.Time `json:"passes,omitzero"`
}

func refused(r *http.Request, req *Request, f *Refusal, now time.Time) Refused {
	told := Refused{
		ID: req.ID, Time: now.UTC().Truncate(time.Second), Method: events.Text(r.Method, 32),
		URI:    events.Text(events.RedactFor(r, OriginalURI(r)), 512),
		Status: f.Status, Code: f.Code,
		Event: f.Event.Name, Step: f.Event.Step, Rule: f.Event.Rule, Tier: f.Event.Tier, Class: f.Event.Class, Reason: f.Event.Reason,
		KeyID: f.Event.KeyID,
	}
	if told.Reason == "" {
		told.Reason = f.cause
	}
	if told.Step != "" {
		told.At = req.door.app.pathOf(f.step, req.door.server, told.Step)
	}
	if req.Client.IsValid() {
		told.Client = req.Client.String()
	}
	if req.Principal != nil && told.KeyID == "" {
		told.KeyID = req.Principal.KeyID
	}
	if f.RetryAfter > 0 {
		told.Passes = told.Time.Add(time.Duration(f.RetryAfter) * time.Second)
	}
	return told
}

// maxRefused is how many refusals are remembered.
const maxRefused = 1000

// refusals are the last refusals of the process.
type refusals struct {
	mu   sync.Mutex
	last [maxRefused]Refused
	next int
}

var processRefusals refusals

func (l *refusals) add(told Refused) {
	l.mu.Lock()
	defer l.mu.Unlock()
	l.last[l.next] = told
	l.next = (l.next + 1) % maxRefused
}

// Refusals are the last refusals of the process, the latest first.
func (a *App) Refusals() []Refused {
	l := &processRefusals
	l.mu.Lock()
	defer l.mu.Unlock()
	all := make([]Refused, 0, maxRefused)
	for i := range maxRefused {
		if told := l.last[(l.next-1-i+maxRefused)%maxRefused]; told.ID != "" {
			all = append(all, told)
		}
	}
	return all
}
