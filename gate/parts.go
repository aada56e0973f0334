package gate

import (
	"encoding/json"
	"fmt"

	"github.com/caddyserver/caddy/v2"
)

// loadParts loads every part that the program has, those that are not
// configured with their defaults. A part may ask for the app while it is
// provisioned: the environment and the events are there, other parts are not.
func (a *App) loadParts(ctx caddy.Context) error {
	for _, part := range caddy.GetModules(appName) {
		if name := part.ID.Name(); a.PartsRaw[name] == nil {
			if a.PartsRaw == nil {
				a.PartsRaw = make(caddy.ModuleMap)
			}
			a.PartsRaw[name] = json.RawMessage("{}")
		}
	}
	if a.PartsRaw == nil {
		return nil
	}
	loaded, err := ctx.LoadModule(a, "PartsRaw")
	if err != nil {
		return fmt.Errorf("loading the parts of gatehouse: %w", err)
	}
	a.parts = loaded.(map[string]any)
	for _, part := range a.parts {
		if limiter, ok := part.(Limiter); ok {
			a.limiter = limiter
		}
	}
	return nil
}

// Part is the part of an app that has the type T; false if the program has none.
func Part[T any](a *App) (T, bool) {
	for _, part := range a.parts {
		if p, ok := part.(T); ok {
			return p, true
		}
	}
	var none T
	return none, false
}
