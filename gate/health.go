package gate

import "net/http"

// Troubled is a part that goes on when something that it needs is gone, with
// less than it promises.
type Troubled interface {
	// Trouble says what is amiss and what that means; "" if nothing is. It is
	// asked often, and from several goroutines.
	Trouble() string
}

// Troubles are what the parts say is amiss, by their names; nil if nothing is.
func (a *App) Troubles() map[string]string {
	var all map[string]string
	for name, part := range a.parts {
		troubled, ok := part.(Troubled)
		if !ok {
			continue
		}
		if trouble := troubled.Trouble(); trouble != "" {
			if all == nil {
				all = make(map[string]string)
			}
			all[name] = trouble
		}
	}
	return all
}

const (
	// healthPath is where load balancers ask the backend how it is. The answer
	// is the backend's own, for a gate in trouble still serves.
	healthPath = "/healthz"
	// healthField is the response field by which the gate says there that it is
	// in trouble. What the trouble is, strangers do not learn.
	healthField = "Gatehouse-Health"
)

var degraded = []string{"degraded"}

// tellHealth has the answer at the path of health checks say that the gate is
// in trouble.
func (a *App) tellHealth(w http.ResponseWriter, path string) {
	if path == healthPath && a.Troubles() != nil {
		w.Header()[healthField] = degraded
	}
}
