// Package redis counts requests for several gates together, in a Redis or
// Valkey server.
//
// The rule is that of the package window: a window of length W is cut into 64
// slices, the last 65 of which count, so that in no window more than the limit
// is admitted, whichever gates the requests came through. The clock is the
// server's. One script decides about a request in all its tiers and charges
// all of them or none; it is atomic because the server runs one at a time.
//
// A [Store] never makes a request wait for long. What takes more than its
// budget, or fails, is answered with [ErrAway], and so are all decisions from
// then on, at once, until the server has answered again in time. The caller
// decides alone meanwhile.
//
// Slices are whole microseconds here, rounded up: a client waits up to W/64
// and a microsecond longer than an exact log would have it wait.
package redis

import (
	"crypto/tls"
	"crypto/x509"
	"errors"
	"fmt"
	"net/url"
	"time"

	goredis "github.com/redis/go-redis/v9"
	"github.com/redis/go-redis/v9/logging"
	"github.com/redis/go-redis/v9/maintnotifications"
)

// Options says where the server is and how it is used.
type Options struct {
	// URL is redis://host:port/db, rediss:// for TLS, or unix:///path.
	URL string
	// User and Password are used in place of those in the URL.
	User, Password string
	// Roots are the CAs that may sign the server's certificate. Default: the
	// system's.
	Roots *x509.CertPool
	// Prefix begins every key. Gates with the same prefix count together.
	// Default: gatehouse.
	Prefix string
	// Budget is how long one decision may take. Default: 100ms.
	Budget time.Duration
}

const (
	defaultPrefix = "gatehouse"
	defaultBudget = 100 * time.Millisecond
)

// Check reports what is wrong with the options, without connecting. No secret
// is in the error.
func (o Options) Check() error {
	_, err := o.client()
	return err
}

func (o *Options) client() (*goredis.Options, error) {
	u, err := url.Parse(o.URL)
	if err != nil {
		return nil, errors.New("this is no URL: write redis://host:6379, rediss://host:6379 for TLS, or unix:///path")
	}
	switch u.Scheme {
	case "redis", "rediss", "unix":
	default:
		return nil, errors.New("a URL of Redis begins with redis://, rediss:// (TLS) or unix://")
	}
	if len(u.Query()) > 0 {
		return nil, errors.New("the URL has parameters behind a ?: write what they say as options")
	}
	c, err := goredis.ParseURL(o.URL)
	if err != nil {
		return nil, fmt.Errorf("the URL has a part that Redis does not know: write redis://host:6379/0, the number being that of the database")
	}
	if o.User != "" {
		c.Username = o.User
	}
	if o.Password != "" {
		c.Password = o.Password
	}
	if o.Roots != nil {
		if c.TLSConfig == nil {
			return nil, errors.New("a CA is named, but the connection has no TLS: write rediss:// in the URL")
		}
		c.TLSConfig.RootCAs = o.Roots
	}
	if c.TLSConfig != nil {
		c.TLSConfig.MinVersion = tls.VersionTLS12
	}
	if o.Budget < 0 {
		return nil, errors.New("the budget must be more than zero")
	}
	if o.Budget == 0 {
		o.Budget = defaultBudget
	}
	if o.Prefix == "" {
		o.Prefix = defaultPrefix
	}
	// A script that is sent again counts again.
	c.MaxRetries = -1
	c.DialerRetries = 1
	c.ContextTimeoutEnabled = true
	c.DialTimeout, c.ReadTimeout, c.WriteTimeout, c.PoolTimeout = o.Budget, o.Budget, o.Budget, o.Budget
	c.Protocol = 2
	c.DisableIdentity = true
	c.MaintNotificationsConfig = &maintnotifications.Config{Mode: maintnotifications.ModeDisabled}
	return c, nil
}

// The client writes to standard error on its own account. What fails is
// returned to the caller, who has a log.
func init() { logging.Disable() }
