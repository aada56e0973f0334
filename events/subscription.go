package events

import (
	"context"
	"errors"
	"fmt"
	"slices"
	"strings"

	"github.com/caddyserver/caddy/v2"
	"github.com/caddyserver/caddy/v2/modules/caddyevents"
)

// On has something done at an event on Caddy's bus, whoever it comes from, for as
// long as the configuration of ctx is in force. It is meant for Provision.
func On(ctx caddy.Context, event string, do func(caddy.Event)) error {
	bus, err := ctx.App("events")
	if err != nil {
		return err
	}
	return bus.(*caddyevents.App).On(event, handler(do))
}

type handler func(caddy.Event)

func (h handler) Handle(_ context.Context, e caddy.Event) error {
	h(e)
	return nil
}

// checkSubscriptions refuses webhooks that wait for an event that there is not:
// what they were written for would happen, and nothing be posted. Other modules
// have events of names that nobody knows here, so only what is meant for ours
// can be judged.
func checkSubscriptions(bus *caddyevents.App) error {
	var mistakes []error
	for _, subscription := range bus.Subscriptions {
		if !slices.ContainsFunc(subscription.Handlers, func(h caddyevents.Handler) bool { _, ok := h.(*Webhook); return ok }) {
			continue
		}
		for _, name := range subscription.Events {
			mistakes = append(mistakes, checkBusEvent(name))
		}
	}
	return errors.Join(mistakes...)
}

func checkBusEvent(name string) error {
	ofVocabulary := slices.ContainsFunc(Vocabulary(), func(kind Kind) bool { return strings.EqualFold(string(kind.Name), name) })
	switch {
	case name == BusEvent:
	case ofVocabulary:
		return fmt.Errorf("events: `on %s agent_webhook` would never post: all security events are on Caddy's bus as %s, and their field `event` is %s: write `on %s agent_webhook`",
			name, BusEvent, name, BusEvent)
	case isSlip(name, BusEvent):
		return fmt.Errorf("events: `on %s agent_webhook` would never post: there is no event of that name; that of the gate is %s", name, BusEvent)
	}
	return nil
}

// isSlip reports whether a name is most likely meant to be another: it is that
// but for case and hyphens, or for up to two letters, or it is one word of it.
func isSlip(name, meant string) bool {
	name = strings.ReplaceAll(strings.ToLower(name), "-", "_")
	return Distance(name, meant) <= 2 || slices.Contains(strings.Split(meant, "_"), name)
}
