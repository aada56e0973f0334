package auth

import (
	"crypto/rand"
	"crypto/sha256"
	"encoding/hex"
	"net/http"
	"strconv"
	"strings"
	"time"

	"github.com/gatehouse-dev/caddy-gatehouse/auth/keys"
	"github.com/gatehouse-dev/caddy-gatehouse/auth/pass"
	"github.com/gatehouse-dev/caddy-gatehouse/gate"
)

// Browsers cannot set headers on WebSockets and images. A page that has shown
// its key in a header gets a cookie for those, and for nothing else.

const (
	// cookieLife is how long a cookie is good after its last use.
	cookieLife = 12 * time.Hour
	// cookieRenewal is how long a cookie is used before it is made anew, so
	// that not every response carries one.
	cookieRenewal = time.Hour
)

// cookieName is the name of a site's cookie. The prefix has browsers take it
// from this host alone, for all of its paths, and over TLS (RFC 6265bis,
// 4.1.3.2); the rest tells the sites of one host apart.
func cookieName(site string) string {
	sum := sha256.Sum256([]byte(site))
	return "__Host-gatehouse-" + hex.EncodeToString(sum[:4])
}

const cookieAttributes = "; Path=/; Secure; HttpOnly; SameSite=Strict"

func setCookie(h http.Header, name, value string, life time.Duration) {
	h.Add("Set-Cookie", name+"="+value+"; Max-Age="+strconv.FormatInt(int64(life/time.Second), 10)+cookieAttributes)
	// What a response brings along for one browser is not for shared caches.
	h.Add("Cache-Control", "private")
}

// takeCookie takes the site's cookie out of the request, since the backend is
// not to see it, and returns its value; "" if there is none, or more than one,
// which no browser sends.
func takeCookie(r *http.Request, name string) string {
	lines := r.Header["Cookie"]
	found := false
	for _, line := range lines {
		found = found || strings.Contains(line, name)
	}
	if !found {
		return ""
	}
	var value string
	count := 0
	var others []string
	for _, line := range lines {
		for pair := range strings.SplitSeq(line, ";") {
			pair = strings.TrimSpace(pair)
			switch given, content, _ := strings.Cut(pair, "="); {
			case strings.TrimSpace(given) == name:
				value = strings.TrimSpace(content)
				count++
			case pair != "":
				others = append(others, pair)
			}
		}
	}
	if len(others) == 0 {
		delete(r.Header, "Cookie")
	} else {
		r.Header["Cookie"] = []string{strings.Join(others, "; ")}
	}
	if count != 1 {
		return ""
	}
	return value
}

// grant gives a page that has shown its key a cookie, or makes the cookie anew
// that it was let in by.
func (a *Auth) grant(w http.ResponseWriter, r *http.Request, req *gate.Request, s shown, cookie string) {
	if a.cookieOff() || s.use.Key == nil {
		return
	}
	earned := s.by == byCookie || s.by == byHeader && earns(r, req)
	if !earned || !overSafe(r) {
		return
	}
	now, session := a.now(), ""
	if p, ok := pass.Parse(cookie); ok && p.Good(now, cookieLife) && p.KeyID == s.use.Key.ID && p.SecretID == s.use.Secret.ID && !ended.has(s.owner(), p) {
		if key := a.signing.Load(); key != nil && key.Proves(pass.Cookie, a.site, p, s.use.Secret.Hash) {
			if p.Ends.Sub(now) > cookieLife-cookieRenewal {
				return // it has one that is young enough
			}
			session = p.Nonce
		}
	}
	if session == "" {
		session = rand.Text()
	}
	if value, p := a.sealFor(pass.Cookie, s.use, session, now, cookieLife); value != "" {
		setCookie(w.Header(), a.cookie, value, p.Ends.Sub(now))
	}
}

// readCookie finds whose cookie the request shows. One that is not good is as
// none: the page is to be asked for its key.
func (a *Auth) readCookie(rings rings, cookie string, s *shown) {
	now := a.now()
	p, ok := pass.Parse(cookie)
	if !ok || !p.Good(now, cookieLife) {
		return
	}
	use, in := a.prove(rings, pass.Cookie, p, now)
	if use.Outcome == keys.Found && !ended.has(in.ownerOf(use), p) {
		s.use, s.ring, s.by, s.session = use, in, byCookie, p
	}
}

// endCookie ends the session of a cookie, wherever copies of it are.
func (a *Auth) endCookie(rings rings, cookie string) {
	var s shown
	if a.readCookie(rings, cookie, &s); s.use.Key != nil {
		ended.end(s.owner(), s.session, a.now())
	}
}

// owner is the name under which what is kept of the key is kept.
func (s *shown) owner() string { return s.ring.ownerOf(s.use) }

func (r *ring) ownerOf(use keys.Use) string { return r.principals[use.Key.ID].owner }

func (a *Auth) cookieOff() bool { return a.Cookie != nil && !*a.Cookie }
