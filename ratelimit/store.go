package ratelimit

import (
	"crypto/sha256"
	"crypto/x509"
	"encoding/base64"
	"encoding/json"
	"errors"
	"fmt"
	"net/url"
	"os"
	"sync/atomic"
	"time"

	"github.com/caddyserver/caddy/v2"
	"github.com/gatehouse-dev/caddy-gatehouse/events"
	"github.com/gatehouse-dev/caddy-gatehouse/events/places"
	"github.com/gatehouse-dev/caddy-gatehouse/gate"
	"github.com/gatehouse-dev/caddy-gatehouse/ratelimit/redis"
	"github.com/gatehouse-dev/caddy-gatehouse/ratelimit/window"
	"go.uber.org/zap"
	"go.uber.org/zap/zapcore"
)

// Redis is a Redis or Valkey server in which several gates count together. Each
// gate counts for itself besides: while the server is away it goes on with the
// same numbers and what it knows itself, and no request fails for it.
type Redis struct {
	// URL is redis://host:6379, rediss://host:6379 for TLS, or
	// unix:///path, with the number of the database as path if it is not 0.
	URL string `json:"url"`

	// User is the name to log in with. Default: none.
	User string `json:"user,omitempty"`

	// Password is a placeholder ({env.NAME}, {file./path}): it is never written
	// into a configuration. Default: none.
	Password string `json:"password,omitempty"`

	// CA is a file of certificates (PEM), one of which must have signed the
	// server's. Default: the system's.
	CA string `json:"ca,omitempty"`

	// Prefix begins every key. Gates with the same prefix count together.
	// Default: gatehouse.
	Prefix string `json:"prefix,omitempty"`

	// Budget is how long a decision may take. A server that takes longer is
	// away until it answers in time again. Default: 100ms.
	Budget gate.Duration `json:"budget,omitempty"`
}

// check refuses secrets that are written down.
func (r *Redis) check() error {
	if r.URL == "" {
		return errors.New("redis: its URL is missing, such as redis://127.0.0.1:6379")
	}
	if !gate.IsPlaceholder(r.URL) {
		u, err := url.Parse(r.URL)
		if err != nil {
			return errors.New("redis: this is no URL: write redis://host:6379, rediss://host:6379 for TLS, or unix:///path")
		}
		if _, literal := u.User.Password(); literal {
			return errors.New("redis: the URL holds a password, which would stand in configuration files and backups: " +
				"write the URL without it and `password {env.REDIS_PASSWORD}` or `password {file./run/secrets/redis}` beside it")
		}
	}
	return r.checkPassword()
}

func (r *Redis) checkPassword() error {
	if r.Password != "" && !gate.IsPlaceholder(r.Password) {
		return errors.New("redis: the password is written down, where it would stand in configuration files and backups: " +
			"write a placeholder, {env.REDIS_PASSWORD} or {file./run/secrets/redis}")
	}
	return nil
}

// options resolves the configuration.
func (r *Redis) options(resolve gate.Resolver) (o redis.Options, err error) {
	if err := r.check(); err != nil {
		return o, err
	}
	var mistakes []error
	for _, value := range []struct {
		name, from string
		into       *string
	}{{"url", r.URL, &o.URL}, {"user", r.User, &o.User}, {"password", r.Password, &o.Password}, {"prefix", r.Prefix, &o.Prefix}} {
		if value.from == "" {
			continue
		}
		if *value.into, err = resolve(value.from); err != nil {
			mistakes = append(mistakes, fmt.Errorf("redis: %s: %w", value.name, err))
		}
	}
	if r.Budget != "" {
		o.Budget, err = r.budget(resolve)
		mistakes = append(mistakes, places.At(err, "budget", string(r.Budget)))
	}
	if r.CA != "" {
		pem, err := os.ReadFile(r.CA)
		if err != nil {
			mistakes = append(mistakes, places.At(fmt.Errorf("redis: ca: %w", err), "ca", r.CA))
		} else if o.Roots = x509.NewCertPool(); !o.Roots.AppendCertsFromPEM(pem) {
			mistakes = append(mistakes, places.At(fmt.Errorf("redis: ca %s: it holds no certificate", r.CA), "ca", r.CA))
		}
	}
	if err := errors.Join(mistakes...); err != nil {
		return o, err
	}
	if err := o.Check(); err != nil {
		return o, fmt.Errorf("redis: %w", err)
	}
	return o, nil
}

func (r *Redis) budget(resolve gate.Resolver) (time.Duration, error) {
	budget, err := positive(r.Budget, resolve)
	if err != nil {
		return 0, fmt.Errorf("redis: budget %s: %w", r.Budget, err)
	}
	return budget, nil
}

// shared is the store of all configurations that name the same server in the
// same way: its connections, and whether it is away, outlive a reload.
type shared struct {
	*redis.Store
	name   string // in the pool; tells nothing of what is in it
	limits atomic.Pointer[Limits]
}

var stores = caddy.NewUsagePool()

func openStore(o redis.Options, ca string) (*shared, error) {
	sum := sha256.Sum256(fmt.Appendf(nil, "%q %q %q %q %q %s", o.URL, o.User, o.Password, o.Prefix, ca, o.Budget))
	name := string(sum[:])
	found, _, err := stores.LoadOrNew(name, func() (caddy.Destructor, error) {
		s := &shared{name: name}
		var err error
		s.Store, err = redis.Open(o, s)
		return s, err
	})
	if err != nil {
		return nil, err
	}
	return found.(*shared), nil
}

// Destruct ends the connections.
func (s *shared) Destruct() error { return s.Close() }

// Decided implements redis.Observer.
func (s *shared) Decided(took time.Duration) { storeSeconds.Observe(took.Seconds()) }

// Away implements redis.Observer.
func (s *shared) Away(why redis.Reason, err error) {
	storeOutages.WithLabelValues(string(why)).Inc()
	s.tell(events.LimitStoreAway, zapcore.ErrorLevel, "[SECURITY] Shared limits are away: each gate counts for itself",
		fmt.Sprintf("%s: %v", why, err))
}

// Back implements redis.Observer.
func (s *shared) Back(after time.Duration) {
	s.tell(events.LimitStoreBack, zapcore.WarnLevel, "[SECURITY] Shared limits are back",
		fmt.Sprintf("they were away for %s; what was admitted meanwhile is known to its own gate alone", after.Round(time.Millisecond)))
}

// Emptied implements redis.Observer.
func (s *shared) Emptied() {
	storeOutages.WithLabelValues(string(redis.Emptied)).Inc()
	s.tell(events.LimitStoreEmptied, zapcore.ErrorLevel, "[SECURITY] Shared limits have lost their memory: until their windows have passed, each gate holds them by what it counted itself",
		"the server was restarted without its data, flushed, or made to forget (maxmemory-policy must be noeviction)")
}

// Trouble implements gate.Troubled: the store of the gate is away.
func (l *Limits) Trouble() string {
	if l.store == nil {
		return ""
	}
	now := l.store.State()
	if !now.Away {
		return ""
	}
	return fmt.Sprintf("the shared store is away since %s, and this gate holds the limits alone, at the same numbers: %s: %v",
		now.Since.UTC().Format(time.RFC3339), now.Reason, now.Err)
}

// Reset implements redis.Observer: another gate was told to forget a client.
func (s *shared) Reset(note string) {
	l := s.limits.Load()
	if l == nil {
		return
	}
	var who window.Identity
	if err := json.Unmarshal([]byte(note), &who); err != nil {
		l.logger.Error("another gate has reset a client, but what it says of it cannot be read: are both of one version?", zap.Error(err))
		return
	}
	l.counters.table.Reset(l.counters.named(who))
}

// tell reports in the name of the configuration in force.
func (s *shared) tell(name events.Name, level zapcore.Level, message, reason string) {
	if l := s.limits.Load(); l != nil {
		l.app.Events().Report(events.Event{Name: name, Level: level, Message: message, Reason: reason, Enforced: true})
	}
}

// clientName is the client's name for all gates: of one length, and with no
// text in it that a client chose.
func clientName(who window.Identity) string {
	addr := ""
	if who.Addr.IsValid() {
		addr = who.Addr.Unmap().String()
	}
	sum := sha256.Sum256([]byte(who.By + "\x00" + addr + "\x00" + who.Name))
	return base64.RawURLEncoding.EncodeToString(sum[:16])
}

// storeCharges are the same charges for the store.
func storeCharges(charges []window.Charge, who []window.Identity) []redis.Charge {
	out := make([]redis.Charge, len(charges))
	for i := range charges {
		c := &charges[i]
		limits, shadow := c.Tier.InForce(c.Plan)
		out[i] = redis.Charge{Tier: c.Tier.Name(), Client: clientName(who[i]), Limits: limits, Shadow: shadow}
	}
	return out
}

// take decides about a request: alone, or together with the store. Both have to
// admit it, so that a store that has lost its memory loosens nothing here. The
// local charge comes first and is taken back if the store refuses.
func (l *Limits) take(charges []window.Charge, who []window.Identity) (window.Verdict, []redis.Charge) {
	local := l.counters.table.Take(charges)
	if l.store == nil {
		return local, nil
	}
	there := storeCharges(charges, who)
	ask := l.store.Take
	if !local.Admitted {
		ask = l.store.Peek // when the client may come back depends on both
	}
	verdict, err := ask(there)
	if err != nil {
		storeLocal.Inc()
		return local, nil
	}
	verdict.Admitted = verdict.Admitted && local.Admitted
	verdict.Refusal = -1
	for i := range charges {
		c, s := &charges[i], &there[i].Standing
		if local.Admitted && (!verdict.Admitted || s.Exceeded) {
			l.counters.table.GiveBack(c)
		}
		exceeded := c.Standing.Exceeded || s.Exceeded
		if s.Tighter(&c.Standing) {
			c.Standing = *s
		}
		c.Standing.Exceeded = exceeded
		if exceeded && !there[i].Shadow &&
			(verdict.Refusal < 0 || c.Standing.RetryAfter > charges[verdict.Refusal].Standing.RetryAfter) {
			verdict.Refusal = i
		}
	}
	return verdict, there
}

// giveBack undoes one charge; there is the store's, nil if it was not asked.
func (l *Limits) giveBack(charge *window.Charge, there *redis.Charge) {
	l.counters.table.GiveBack(charge)
	if there == nil || l.store == nil {
		return
	}
	// If it fails the store counts one too many until the window has passed.
	if err := l.store.GiveBack(there); err == nil && there.Standing.Tighter(&charge.Standing) {
		charge.Standing = there.Standing
	}
}
