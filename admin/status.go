package admin

import (
	"net/http"

	"github.com/gatehouse-dev/caddy-gatehouse/gate"
)

func init() { serve("/gatehouse/status", endpoint{http.MethodGet: showStatus}) }

// status is how the process that runs is.
type status struct {
	// State is "ok", or "degraded" while a part goes on without something that
	// it needs.
	State string `json:"state"`
	// Troubles are what the parts say is amiss, by their names.
	Troubles map[string]string `json:"troubles,omitempty"`
	// Streams is how many requests are in flight.
	Streams int `json:"streams"`
	// KeyFile is the key file; nil if there is none.
	KeyFile *keyFileStatus `json:"key_file,omitempty"`
}

// keyFileStatus is how the key file is.
type keyFileStatus struct {
	Path string `json:"path"`
	// Keys is how many are in force, revoked and expired ones included.
	Keys int `json:"keys"`
	// Problem is why the file cannot be used as it is now.
	Problem string `json:"problem,omitempty"`
}

func showStatus(_ *http.Request, app *gate.App) (any, error) {
	now := status{State: "ok", Troubles: app.Troubles(), Streams: app.Streams().Len()}
	if now.Troubles != nil {
		now.State = "degraded"
	}
	if ring, err := ringOf(app); err == nil {
		now.KeyFile = &keyFileStatus{ring.File, len(ring.Keys()), ring.Problem()}
	}
	return now, nil
}
