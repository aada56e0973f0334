package keys

import (
	"errors"
	"fmt"
	"strings"
)

const (
	maxID    = 64
	maxToken = 128
)

// CheckID returns an error unless id can name a key: a letter or digit, then up to 63 letters, digits, dots, underscores
// and hyphens. Ids stand in logs, headers, metrics and paths. The error does not repeat the id, which may be a secret in
// the wrong place.
func CheckID(id string) error {
	if id == "" {
		return errors.New("a key needs an id")
	}
	if len(id) > maxID {
		return fmt.Errorf("a key's id has at most %d characters, this one has %d", maxID, len(id))
	}
	if ours, _ := Shape(id); ours {
		return errors.New("a key's id does not start with agk_: that looks like a secret, which does not belong here")
	}
	for i := range len(id) {
		c := id[i]
		if !isBase62(c) && (i == 0 || c != '.' && c != '_' && c != '-') {
			return fmt.Errorf("a key's id starts with a letter or digit and goes on with letters, digits, dots, underscores and hyphens; character %d is %q", i+1, c)
		}
	}
	return nil
}

// check returns everything that is wrong with a key, apart from its secrets' hashes. Only the id is repeated in what it
// says: any other text may be a secret that was put in the wrong place.
func (k *Key) check() []error {
	var errs []error
	if err := CheckID(k.ID); err != nil {
		return []error{err}
	}
	complain := func(format string, args ...any) {
		errs = append(errs, fmt.Errorf("key %s: %w", k.ID, fmt.Errorf(format, args...)))
	}
	if len(k.Scopes) == 0 {
		complain("it has no scope, so it may do nothing; give it at least one (%s is every scope)", AllScopes)
	}
	for i, scope := range k.Scopes {
		if scope != AllScopes && !isToken(scope) {
			complain("scope %d: a scope is made of letters, digits and . _ : -", i+1)
		}
	}
	if k.Plan != "" && !isToken(k.Plan) {
		complain("plan: a plan's name is made of letters, digits and . _ : -")
	}
	for i, agent := range k.Agents {
		if !isPlain(agent) {
			complain("agent %d: an agent's id has 1 to %d visible characters", i+1, maxToken)
		}
	}
	for i, site := range k.Sites {
		if !isPlain(site) {
			complain("site %d: a site's name has 1 to %d visible characters", i+1, maxToken)
		}
	}
	for i, network := range k.From {
		if !network.IsValid() {
			complain("from %d: not a network; write it like 10.0.0.0/8 or 2001:db8::/32", i+1)
		}
	}
	if k.Entity != "" && !isUUID(k.Entity) {
		complain("entity: an entity's id is a UUID")
	}
	if len(k.Secrets) == 0 {
		complain("it has no secret, so nothing can open it")
	}
	return errs
}

// CheckAgent finds what can be the id of no agent, such as its name.
func CheckAgent(id string) error {
	if !isUUID(id) {
		return fmt.Errorf("agent %s: an agent's id is a UUID; GET /api/agents lists the agents with theirs", id)
	}
	return nil
}

// CheckSite finds what is the name of no site, such as its address.
func CheckSite(name string) error {
	if strings.Contains(name, "/") || strings.Count(name, ":") == 1 {
		return fmt.Errorf("site %s: a site is named by its host alone, such as agents.example.com, without scheme, port and path", name)
	}
	return nil
}

// isToken keeps names that are sent in headers (WWW-Authenticate, RateLimit) free of quotes and separators.
func isToken(s string) bool {
	if s == "" || len(s) > maxToken {
		return false
	}
	return !strings.ContainsFunc(s, func(r rune) bool {
		return r > '~' || !isBase62(byte(r)) && !strings.ContainsRune("._:-", r)
	})
}

func isPlain(s string) bool {
	return s != "" && len(s) <= maxToken && !strings.ContainsFunc(s, notVisibleASCII)
}

func isUUID(s string) bool {
	if len(s) != 36 {
		return false
	}
	for i := range len(s) {
		c := s[i]
		if i == 8 || i == 13 || i == 18 || i == 23 {
			if c != '-' {
				return false
			}
		} else if !(c >= '0' && c <= '9' || c >= 'a' && c <= 'f' || c >= 'A' && c <= 'F') {
			return false
		}
	}
	return true
}
