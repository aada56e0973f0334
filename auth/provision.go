package auth

import (
	"errors"
	"fmt"
	"net/http"
	"net/netip"
	"slices"
	"strings"
	"time"

	"github.com/caddyserver/caddy/v2"
	"github.com/gatehouse-dev/caddy-gatehouse/auth/keys"
	"github.com/gatehouse-dev/caddy-gatehouse/events"
	"github.com/gatehouse-dev/caddy-gatehouse/events/places"
	"github.com/gatehouse-dev/caddy-gatehouse/gate"
	"github.com/gatehouse-dev/caddy-gatehouse/gate/ipaddr"
)

// Key is a key that is written in a site. Exactly one of Secret, Hash and New
// says what opens it.
type Key struct {
	// ID is the stable name of the key; limits and logs hang on it. It starts
	// with a letter or digit and goes on with up to 63 letters, digits, dots,
	// underscores and hyphens.
	ID string `json:"id"`
	// Secret is a placeholder for the secret: {env.NAME}, {env.NAME:default}
	// or {file./path}. A literal is refused, since it would stand in the clear
	// in the configuration. A secret that is shorter than 16 characters or a
	// known sample is refused.
	Secret string `json:"secret,omitempty"`
	// Hash is the SHA-256 of the secret, as sha256:<hex>.
	Hash string `json:"hash,omitempty"`
	// New has a secret made when the site is first started. It is printed
	// once; its hash is kept in Caddy's storage.
	New bool `json:"new,omitempty"`
	// Scopes is what the key may do; "*" is everything. Default: everything,
	// in a site that requires no scopes; elsewhere it must be said.
	Scopes []string `json:"scopes,omitempty"`
	// Plan names the limits that hold for the key. Default: none.
	Plan string `json:"plan,omitempty"`
	// From are the networks that the key may be used from, in CIDR notation or
	// as single addresses. Default: all.
	From []string `json:"from,omitempty"`
	// Expires is when the key ends, as a date (2027-01-31: at the end of that
	// day in UTC) or a time (RFC 3339). A past one is refused. Default: never.
	Expires string `json:"expires,omitempty"`
	// Agents are the ids of the agents that the key may reach. Routes must be
	// set. Default: all.
	Agents []string `json:"agents,omitempty"`
	// Entity is the entity id (a UUID) that every request of the key carries as
	// X-Entity-Id, whatever the client sends. Default: the client's own.
	Entity string `json:"entity,omitempty"`
}

// Provision resolves the keys and builds the look-up. All mistakes come in one
// report.
func (a *Auth) Provision(ctx caddy.Context) (err error) {
	defer gate.Tell(a)(&err)
	if a.door, err = gate.NewDoor(ctx); err != nil {
		return err
	}
	a.logger = ctx.Logger()
	a.now = time.Now
	a.bits = make(map[string]int)
	a.stored = caddyStorage{ctx: ctx, storage: ctx.Storage()}
	a.site = gate.SiteName(ctx)
	a.place = sitePlace(a.site)
	a.cookie = cookieName(a.site)
	if a.Routes != "" {
		if a.table, err = gate.RouteTableOf(a.Routes); err != nil {
			return fmt.Errorf("routes: %w", err)
		}
		a.made = useMade(ctx.Storage(), a.logger)
	}
	if shared, ok := gate.Part[*KeyRing](a.door.App()); ok && shared.File != "" {
		a.shared = shared
		_, hosts, _ := strings.Cut(a.site, " ")
		a.siteNames = strings.Split(hosts, ",")
	}
	a.provisionSigning()

	var mistakes []error
	if a.Failures != nil {
		mistakes = append(mistakes, a.Failures.check())
		a.failures = newFailures(*a.Failures, a.door.App().Limiter(), a.site, gate.Steady)
	}
	mistakes = append(mistakes, a.provisionSources(), a.provisionMatchers(ctx), a.provisionGuest(), a.checkOpenAdmin(), a.provisionKeys())
	a.door.App().OnStart(a.commit) // after what makes keys when the configuration is started
	recognize(ctx, &a.ring)
	return errors.Join(mistakes...)
}

func (a *Auth) provisionSources() error {
	if len(a.Accept) == 0 {
		a.Accept = defaultSources
	}
	var mistakes []error
	accept := slices.Clone(a.Accept)
	for i, source := range accept {
		mistakes = append(mistakes, source.check())
		if source.Header != "" {
			if err := a.door.CheckField(source.Header); err != nil {
				mistakes = append(mistakes, places.At(fmt.Errorf("accept: %w", err), acceptLine+" "+source.String()))
			}
			accept[i].Header = http.CanonicalHeaderKey(source.Header)
		}
		if slices.Contains(accept[:i], accept[i]) {
			mistakes = append(mistakes, places.At(fmt.Errorf("accept names the same place twice: %s", source), acceptLine+" "+source.String()))
		}
	}
	a.Accept = accept
	for _, source := range accept {
		events.ConcealName(source.Header, source.Query)
	}
	return errors.Join(mistakes...)
}

// String writes the source as in a Caddyfile.
func (s Source) String() string {
	switch {
	case s.Bearer:
		return "bearer"
	case s.Query != "":
		return "query " + s.Query
	}
	return "header " + s.Header
}

func (a *Auth) provisionMatchers(ctx caddy.Context) error {
	var mistakes []error
	if a.PublicRaw != nil {
		public, err := a.door.LoadRequests(ctx, a, "PublicRaw")
		if err != nil {
			mistakes = append(mistakes, places.At(fmt.Errorf("public: %w", err), "public"))
		}
		a.public = public.Exactly()
	}
	if a.public.EveryPath() {
		mistakes = append(mistakes, places.At(errors.New("public opens every path to everybody: to let callers in without a key, write `anonymous <scope>...`"), "public"))
	}
	for _, required := range a.Require {
		if required.Scope == "" || required.Scope == gate.EveryScope {
			mistakes = append(mistakes, places.At(fmt.Errorf("require %s: name the one scope that is needed", required.Scope), "require", required.Scope))
		}
		if required.MatchRaw == nil {
			continue
		}
		var err error
		if required.match, err = a.door.LoadRequests(ctx, required, "MatchRaw"); err != nil {
			mistakes = append(mistakes, places.At(fmt.Errorf("require %s: %w", required.Scope, err), "require", required.Scope))
		}
	}
	a.indexRequirements()
	return errors.Join(mistakes...)
}

func (a *Auth) indexRequirements() {
	list := make([]*gate.Requests, len(a.Require))
	for i, required := range a.Require {
		list[i] = &required.match
	}
	a.requireIndex = gate.IndexRequests(list)
}

func (a *Auth) provisionGuest() error {
	if len(a.Anonymous) == 0 {
		return nil
	}
	if slices.Contains(a.Anonymous, gate.EveryScope) {
		return places.At(errors.New("anonymous *: this gives every scope to callers without a key: name the scopes that anybody may have"), anonymousLine)
	}
	a.guest = newPrincipal(&gate.Principal{Scopes: a.Anonymous})
	return nil
}

func (a *Auth) provisionKeys() error {
	if len(a.Keys) == 0 && a.guest == nil && a.shared == nil {
		return errors.New("agent_auth has no key, so nobody could enter. " +
			"Make a key with `openssl rand -base64 32`, put it into the environment, and write `key <name> {env.<VARIABLE>}`; " +
			"or name a key file with `keys <path>` in the global option gatehouse; " +
			"or write `anonymous <scope>...` to let callers in without a key")
	}
	known, missing, err := a.knownKeys()
	if err != nil {
		return err
	}
	for _, id := range missing {
		a.makeOnStart(id)
	}
	return a.setRing(known)
}

// knownKeys makes the engine's keys of the configured ones; missing are the
// ids of those whose secret is still to be made.
func (a *Auth) knownKeys() (known []keys.Key, missing []string, err error) {
	var mistakes []error
	for _, k := range a.Keys {
		key, err := a.provisionKey(k)
		switch {
		case err != nil:
			mistakes = append(mistakes, places.At(fmt.Errorf("key %s: %w", k.ID, err), k.line()...))
		case len(key.Secrets) == 0:
			missing = append(missing, key.ID)
		default:
			known = append(known, key)
		}
	}
	return known, missing, errors.Join(mistakes...)
}

func (a *Auth) setRing(known []keys.Key) error {
	ring, err := newRing("site "+a.site, known, nil)
	if err != nil {
		return err
	}
	a.ring.Store(ring)
	return nil
}

// Cleanup gives back what the configuration shared with others.
func (a *Auth) Cleanup() error {
	if a.made == nil {
		return nil
	}
	_, err := mades.Delete(madeKey)
	return err
}

// provisionKey makes the engine's key of a configured one. It has no secret
// yet if the secret is to be made when the site starts.
func (a *Auth) provisionKey(k Key) (keys.Key, error) {
	key := keys.Key{ID: k.ID, Scopes: k.Scopes, Plan: k.Plan}
	if err := keys.CheckID(k.ID); err != nil {
		return key, err
	}
	var mistakes []error
	if len(key.Scopes) == 0 {
		if needed := a.scopesRequired(); len(needed) > 0 {
			mistakes = append(mistakes, fmt.Errorf("it has no scopes, but this site requires %s: "+
				"write `scopes` with those that it may have, or `scopes *` for all of them", strings.Join(needed, ", ")))
		}
		key.Scopes = []string{keys.AllScopes}
	}
	for _, text := range k.From {
		network, err := parseNetwork(text)
		mistakes = append(mistakes, places.At(err, "from", text))
		key.From = append(key.From, network)
	}
	if k.Expires != "" {
		var err error
		key.Expires, err = ParseEnd(k.Expires)
		if err == nil && !key.Expires.After(a.now()) {
			err = fmt.Errorf("it expired on %s: remove the key, or give it a later date", k.Expires)
		}
		mistakes = append(mistakes, places.At(err, "expires", k.Expires))
	}
	mistakes = append(mistakes, a.limit(&key, k))
	hash, err := a.hashOf(k)
	mistakes = append(mistakes, err)
	if hash != nil {
		key.Secrets = []keys.Secret{{Hash: *hash}}
	}
	key.Shared = strings.HasPrefix(k.Secret, "{env.")
	return key, errors.Join(mistakes...)
}

// limit gives a key its agents and its entity.
func (a *Auth) limit(key *keys.Key, k Key) error {
	if len(k.Agents) > 0 && a.table == nil {
		return places.At(errors.New("it is limited to agents, and nothing says where the requests of this site name theirs: "+
			"write `routes <table>` in agent_auth, or use the preset of the backend"), append([]string{"agents"}, k.Agents...)...)
	}
	var mistakes []error
	for _, text := range k.Agents {
		agent, err := a.door.App().Resolve(text)
		mistakes = append(mistakes, err)
		key.Agents = append(key.Agents, agent)
	}
	entity, err := a.door.App().Resolve(k.Entity)
	key.Entity = entity
	return errors.Join(append(mistakes, err)...)
}

// hashOf returns the hash of a key's secret, or nil if it is still to be made.
func (a *Auth) hashOf(k Key) (*keys.Hash, error) {
	ways := 0
	for _, used := range []bool{k.Secret != "", k.Hash != "", k.New} {
		if used {
			ways++
		}
	}
	switch {
	case ways != 1:
		return nil, errors.New("give it exactly one of secret, hash and new")
	case k.New:
		return a.stored.load(k.ID)
	case k.Hash != "":
		hash, err := keys.ParseHash(k.Hash)
		return &hash, err
	case !gate.IsPlaceholder(k.Secret):
		return nil, errors.New("its secret stands in the clear in the JSON configuration: use {env.NAME} or {file./path}, or give its hash instead (sha256:<hex>)")
	}
	secret, err := a.door.App().Resolve(k.Secret)
	if err != nil {
		return nil, err
	}
	if err := keys.Weak(secret); err != nil {
		return nil, fmt.Errorf("%s: %w", k.Secret, err)
	}
	events.Conceal(secret)
	a.bits[k.ID] = keys.Bits(secret)
	hash := keys.HashSecret(secret)
	return &hash, nil
}

// line is how the line of the key begins. A literal secret is not known any more.
func (k *Key) line() []string {
	switch {
	case k.New:
		return []string{"key", k.ID, "new"}
	case k.Secret != "":
		return []string{"key", k.ID, k.Secret}
	}
	return []string{"key", k.ID}
}

// scopesRequired is every scope that the site asks for.
func (a *Auth) scopesRequired() []string {
	var scopes []string
	for _, required := range a.Require {
		if !slices.Contains(scopes, required.Scope) {
			scopes = append(scopes, required.Scope)
		}
	}
	return scopes
}

// parseNetwork reads where a key may be used from.
func parseNetwork(text string) (netip.Prefix, error) {
	network, err := ipaddr.ParseNetwork(text)
	if err != nil {
		return network, fmt.Errorf("from %s: %w", text, err)
	}
	return network, nil
}

// ParseEnd reads the end of a key's life. A date counts to its end, in UTC.
func ParseEnd(text string) (time.Time, error) {
	if day, err := time.Parse(time.DateOnly, text); err == nil {
		return day.AddDate(0, 0, 1), nil
	}
	end, err := time.Parse(time.RFC3339, text)
	if err != nil {
		return end, fmt.Errorf("expires %s: write a date (2027-01-31) or a time (2027-01-31T12:00:00Z)", text)
	}
	return end, nil
}
