package admin

import (
	"errors"
	"fmt"
	"net/http"
	"time"

	"github.com/caddyserver/caddy/v2"
	"github.com/gatehouse-dev/caddy-gatehouse/auth"
	"github.com/gatehouse-dev/caddy-gatehouse/auth/keys"
	"github.com/gatehouse-dev/caddy-gatehouse/gate"
)

func init() {
	serve("/gatehouse/keys", endpoint{http.MethodGet: listKeys, http.MethodPost: addKey})
	serve("/gatehouse/keys/{id}", endpoint{http.MethodGet: showKey, http.MethodDelete: removeKey})
	serve("/gatehouse/keys/{id}/rotate", endpoint{http.MethodPost: rotateKey})
	serve("/gatehouse/keys/{id}/revoke", endpoint{http.MethodPost: revokeKey})
}

// liveKey is a key of the process that runs.
type liveKey struct {
	keys.Status
	// Streams is how many requests of the key are in flight; nil where no
	// process was asked.
	Streams *int `json:"streams,omitempty"`
}

// liveKeys are the keys of the process that runs.
type liveKeys struct {
	// File is the key file.
	File string `json:"file"`
	// Problem is why the file cannot be used as it is now.
	Problem string    `json:"problem,omitempty"`
	Keys    []liveKey `json:"keys"`
}

// ringOf is the key ring that all sites share.
func ringOf(app *gate.App) (*auth.KeyRing, error) {
	ring, ok := gate.Part[*auth.KeyRing](app)
	if !ok || ring.File == "" {
		return nil, failure(http.StatusNotFound, errors.New("the configuration that runs names no key file: write `keys <path>` in the global option gatehouse"))
	}
	return ring, nil
}

func listKeys(_ *http.Request, app *gate.App) (any, error) {
	ring, err := ringOf(app)
	if err != nil {
		return nil, err
	}
	return liveOf(app, ring), nil
}

func liveOf(app *gate.App, ring *auth.KeyRing) liveKeys {
	live := liveKeys{File: ring.File, Problem: ring.Problem(), Keys: []liveKey{}}
	streams := app.Streams().ByKey()
	for _, status := range keys.StatusOf(ring.Keys(), time.Now()) {
		open := streams[status.ID]
		live.Keys = append(live.Keys, liveKey{status, &open})
	}
	return live
}

func showKey(r *http.Request, app *gate.App) (any, error) {
	ring, err := ringOf(app)
	if err != nil {
		return nil, err
	}
	for _, k := range liveOf(app, ring).Keys {
		if k.ID == r.PathValue("id") {
			return k, nil
		}
	}
	return nil, failure(http.StatusNotFound, fmt.Errorf("the key was %w", keys.ErrNotFound))
}

// change has the key file changed and tells the caller's mistakes from the
// gate's troubles.
func change(app *gate.App, edit func(*keys.Document, keys.Edit) error) error {
	ring, err := ringOf(app)
	if err != nil {
		return err
	}
	err = ring.Change(edit)
	if mistake := (*auth.EditError)(nil); errors.As(err, &mistake) {
		return failure(statusOf(err), err)
	}
	return err
}

func statusOf(err error) int {
	switch {
	case errors.Is(err, keys.ErrNotFound):
		return http.StatusNotFound
	case errors.Is(err, keys.ErrExists), errors.Is(err, keys.ErrInUse), errors.Is(err, keys.ErrEnded):
		return http.StatusConflict
	case errors.Is(err, keys.ErrPepper):
		return http.StatusInternalServerError
	}
	return http.StatusBadRequest
}

// minted is a new secret, on its one way out.
type minted struct {
	keys.Minted
	Secret string `json:"secret,omitempty"`
	// Warnings tell of what is allowed and probably not meant.
	Warnings []string `json:"warnings,omitempty"`
}

func reveal(m keys.Minted, err error, warnings ...string) (any, error) {
	if err != nil {
		return nil, err
	}
	return minted{m, m.Reveal(), warnings}, nil
}

func addKey(r *http.Request, app *gate.App) (any, error) {
	var wanted rights
	if err := readJSON(r, &wanted); err != nil {
		return nil, err
	}
	k, err := wanted.key()
	if err != nil {
		return nil, failure(http.StatusBadRequest, err)
	}
	var m keys.Minted
	err = change(app, func(d *keys.Document, e keys.Edit) (err error) {
		m, err = d.Add(k, e)
		return err
	})
	portrait := app.Portrait()
	return reveal(m, err, scopeWarnings(k, &portrait)...)
}

func rotateKey(r *http.Request, app *gate.App) (any, error) {
	wanted := struct {
		Overlap          string `json:"overlap"`
		IdempotencyToken string `json:"idempotency_token"`
	}{Overlap: defaultOverlap}
	if err := readJSON(r, &wanted); err != nil {
		return nil, err
	}
	overlap, err := caddy.ParseDuration(wanted.Overlap)
	if err != nil {
		return nil, failure(http.StatusBadRequest, fmt.Errorf("overlap %q: write a duration like 24h", wanted.Overlap))
	}
	var m keys.Minted
	err = change(app, func(d *keys.Document, e keys.Edit) (err error) {
		m, err = d.Rotate(r.PathValue("id"), overlap, wanted.IdempotencyToken, e)
		return err
	})
	return reveal(m, err)
}

func removeKey(r *http.Request, app *gate.App) (any, error) {
	return nil, change(app, func(d *keys.Document, e keys.Edit) error { return d.Remove(r.PathValue("id"), e) })
}

func revokeKey(r *http.Request, app *gate.App) (any, error) {
	var wanted struct {
		Secret   string `json:"secret"`
		IfUnused string `json:"if_unused"`
	}
	if err := readJSON(r, &wanted); err != nil {
		return nil, err
	}
	var unused time.Duration
	if wanted.IfUnused != "" {
		var err error
		if unused, err = caddy.ParseDuration(wanted.IfUnused); err != nil {
			return nil, failure(http.StatusBadRequest, fmt.Errorf("if_unused %q: write a duration like 24h", wanted.IfUnused))
		}
	}
	var answer struct {
		Changed bool `json:"changed"`
	}
	err := change(app, func(d *keys.Document, e keys.Edit) (err error) {
		answer.Changed, err = d.Revoke(r.PathValue("id"), wanted.Secret, unused, e)
		return err
	})
	return answer, err
}
