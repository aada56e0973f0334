package ratelimit

import (
	"encoding/json"
	"errors"
	"fmt"
	"maps"
	"net/netip"
	"slices"
	"strings"
	"time"

	"github.com/gatehouse-dev/caddy-gatehouse/gate/ipaddr"
	"github.com/gatehouse-dev/caddy-gatehouse/ratelimit/redis"
	"github.com/gatehouse-dev/caddy-gatehouse/ratelimit/window"
)

// Subject is a client as an operator names it: by its key, its address, both
// (keys that many share), or what a placeholder stands for.
type Subject struct {
	// Key is the id of a key.
	Key string `json:"key,omitempty"`
	// IP is an address, or a network for a tier with another ipv6_prefix.
	IP string `json:"ip,omitempty"`
	// Value is what the placeholder of `by` stands for.
	Value string `json:"value,omitempty"`
	// ID is the client as Top names it where it knows no better.
	ID string `json:"id,omitempty"`
}

// client is the client in the table, with its identity if that is known.
func (s Subject) client(c *counters) (window.Client, *window.Identity, error) {
	var none window.Client
	who := window.Identity{By: "ip"}
	if s.IP != "" {
		addr, err := parseSubject(s.IP)
		if err != nil {
			return none, nil, err
		}
		who.Addr = addr
	}
	switch {
	case s.ID != "" && s.Key+s.IP+s.Value == "":
		id, err := window.ParseID(s.ID)
		return window.Client{ID: id}, nil, err
	case s.Value != "" && s.Key+s.IP+s.ID == "":
		who = window.Identity{By: "value", Name: s.Value}
	case s.Key != "" && s.Value+s.ID == "":
		who.By, who.Name = "key", s.Key
	case s.IP != "" && s.Value+s.ID == "":
	default:
		return none, nil, errors.New("name one client: by key, by ip, by both (a key that many share), by value, or by id")
	}
	return c.named(who), &who, nil
}

// named is the client of an identity that an operator, or another gate, has named.
func (c *counters) named(who window.Identity) window.Client {
	return window.Client{ID: c.table.ID(who), From: who.Addr, Key: who.By == "key"}
}

func parseSubject(text string) (netip.Addr, error) {
	around, err := ipaddr.NetworkAround(text)
	switch {
	case err != nil:
		return netip.Addr{}, fmt.Errorf("%q: %w", text, err)
	case !strings.Contains(text, "/"):
		return network(around.Addr(), 64), nil
	}
	return around.Addr(), nil
}

// Standing is where a client stands against one limit of a tier.
type Standing struct {
	Tier   string `json:"tier"`
	Limit  int    `json:"limit"`
	Window string `json:"window"`
	// Used is what is counted now, Remaining what would be admitted now.
	Used      int `json:"used"`
	Remaining int `json:"remaining"`
	// Reset is the seconds until all of it is forgotten, RetryAfter those until
	// a request would be admitted.
	Reset      int `json:"reset"`
	RetryAfter int `json:"retry_after"`
	// Shared says that the client is counted with its network.
	Shared bool `json:"shared,omitempty"`
	// Store says that these are the numbers of the shared store, which are
	// tighter than this gate's own.
	Store bool `json:"store,omitempty"`
}

// ClientStanding is where a client stands in every tier.
type ClientStanding struct {
	// Counted is "own", "shared" (with its network) or "nowhere".
	Counted string `json:"counted"`
	// Slots is how many requests and streams of it are in flight that hold one.
	Slots int        `json:"slots"`
	Tiers []Standing `json:"tiers"`
}

// Standing reads where a client on a plan ("" for none) stands in every tier of
// the configuration. It changes nothing.
func (l *Limits) Standing(s Subject, plan string) (ClientStanding, error) {
	client, who, err := s.client(l.counters)
	if err != nil {
		return ClientStanding{}, err
	}
	where, readings := l.counters.table.Inspect(client, plan)
	out := ClientStanding{Counted: where.String(), Slots: l.counters.slots.usedBy(client.ID), Tiers: []Standing{}}
	there := l.standingsThere(who, plan)
	current := l.tiersInForce()
	for _, r := range readings {
		if current[r.Tier] == nil {
			continue // of a configuration that is gone
		}
		st := Standing{Tier: r.Tier, Used: r.Used, Shared: r.Shared}
		standing := r.Standing
		if other, ok := there[storeKey{r.Tier, r.Window}]; ok && other.Tighter(&standing) {
			standing, st.Store, st.Used = other, true, other.Limit-other.Remaining
		}
		st.Limit, st.Window, st.Remaining = standing.Limit, standing.Window.String(), standing.Remaining
		st.Reset, st.RetryAfter = seconds(standing.Reset), seconds(standing.RetryAfter)
		out.Tiers = append(out.Tiers, st)
	}
	return out, nil
}

type storeKey struct {
	tier   string
	window time.Duration
}

// standingsThere are a client's standings in the store, none while it is away.
func (l *Limits) standingsThere(who *window.Identity, plan string) map[storeKey]window.Standing {
	if l.store == nil || who == nil {
		return nil
	}
	var charges []redis.Charge
	for name, tier := range l.tiersInForce() {
		limits, _ := tier.InForce(plan)
		for _, limit := range limits {
			charges = append(charges, redis.Charge{Tier: name, Client: clientName(*who), Limits: []window.Limit{limit}})
		}
	}
	out := make(map[storeKey]window.Standing)
	// A store that is asked for a thousand at once would keep others waiting.
	for some := range slices.Chunk(charges, maxCounting) {
		if _, err := l.store.Peek(some); err != nil {
			return nil
		}
	}
	for _, c := range charges {
		out[storeKey{c.Tier, c.Limits[0].Window}] = c.Standing
	}
	return out
}

func (l *Limits) tiersInForce() map[string]*window.Tier {
	l.mu.Lock()
	defer l.mu.Unlock()
	tiers := make(map[string]*window.Tier, len(l.defined))
	for name, d := range l.defined {
		tiers[name] = d.tier
	}
	return tiers
}

// Tiers are the names of all tiers in force, in order.
func (l *Limits) Tiers() []string { return slices.Sorted(maps.Keys(l.tiersInForce())) }

// Use is how much of a tier a client has used.
type Use struct {
	Subject
	// Network says that this is a network's newcomers together, not one client.
	Network bool   `json:"network,omitempty"`
	Used    int    `json:"used"`
	Window  string `json:"window"`
}

// Top are the clients that have used most of a tier on this gate, at most n.
func (l *Limits) Top(tier string, n int) ([]Use, error) {
	t := l.tiersInForce()[tier]
	if t == nil {
		return nil, fmt.Errorf("there is no tier %q: there is %s", tier, strings.Join(l.Tiers(), ", "))
	}
	// Who an identity belongs to can only be told of names that are known.
	names := map[uint64]Subject{l.counters.table.ID(window.Identity{By: "ip"}).Who(): {}}
	for id := range *processKeys.known.Load() {
		names[l.counters.table.ID(window.Identity{By: "key", Name: id}).Who()] = Subject{Key: id}
	}
	out := []Use{}
	for _, u := range l.counters.table.Top(t, n) {
		use := Use{Network: u.Cell, Used: u.Used, Window: u.Window.String()}
		subject, known := names[u.ID.Who()]
		addr, has := u.ID.Addr()
		if known && !u.Cell {
			use.Subject = subject
			if has {
				use.IP = addr.Addr().String()
			}
		} else {
			use.ID = u.ID.String()
		}
		out = append(out, use)
	}
	return out, nil
}

// Reset forgets all that is counted for a client, here, in the store and on the
// gates that share it, and says where it was counted here.
func (l *Limits) Reset(s Subject) (where string, err error) {
	client, who, err := s.client(l.counters)
	if err != nil {
		return "", err
	}
	if l.store != nil && who == nil {
		return "", errors.New("the shared store knows clients by another name than this id: name the client by key, ip or value")
	}
	found := l.counters.table.Reset(client)
	if l.store == nil {
		return found.String(), nil
	}
	if err := l.resetThere(l.store.Store, *who); err != nil {
		return found.String(), fmt.Errorf("it is reset on this gate, but not in the shared store: %w", err)
	}
	return found.String(), nil
}

// resetThere forgets a client in the store, in every tier of the configuration,
// and has the other gates know.
func (l *Limits) resetThere(store *redis.Store, who window.Identity) error {
	note, err := json.Marshal(who)
	if err != nil {
		return err
	}
	var charges []redis.Charge
	l.mu.Lock()
	for name, d := range l.defined {
		c := redis.Charge{Tier: name, Client: clientName(who), Limits: slices.Clone(d.spec.Limits)}
		for _, limits := range d.spec.Plans {
			c.Limits = append(c.Limits, limits...)
		}
		charges = append(charges, c)
	}
	l.mu.Unlock()
	return store.Reset(charges, string(note))
}

// State is the state of all limits.
type State struct {
	Clients         int         `json:"clients"`
	ClientsWithKey  int         `json:"clients_with_key"`
	ClientPlaces    int         `json:"client_places"`
	SharedCells     int         `json:"shared_cells"`
	SharedDecisions uint64      `json:"shared_decisions"`
	Evictions       uint64      `json:"evictions"`
	CounterBytes    uint64      `json:"counter_bytes"`
	SlotsInUse      int         `json:"slots_in_use"`
	Tiers           []string    `json:"tiers"`
	Store           *StoreState `json:"store,omitempty"`
}

// StoreState is the state of the shared store.
type StoreState struct {
	Up bool `json:"up"`
	// Reason, Error and Since tell of an outage.
	Reason string     `json:"reason,omitempty"`
	Error  string     `json:"error,omitempty"`
	Since  *time.Time `json:"since,omitempty"`
}

// State is the state now.
func (l *Limits) State() State {
	stats := l.counters.table.Stats()
	s := State{
		Clients: stats.Clients, ClientsWithKey: stats.Keys, ClientPlaces: stats.MaxClients,
		SharedCells: stats.Cells, SharedDecisions: stats.SharedUses, Evictions: stats.Evictions,
		CounterBytes: stats.Bytes, SlotsInUse: l.counters.slots.used(), Tiers: l.Tiers(),
	}
	if l.store == nil {
		return s
	}
	now := l.store.State()
	s.Store = &StoreState{Up: !now.Away, Reason: string(now.Reason)}
	if now.Away {
		s.Store.Error, s.Store.Since = now.Err.Error(), &now.Since
	}
	return s
}
