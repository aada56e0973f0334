package doctor

import (
	"net/url"
	"slices"
	"strings"

	"github.com/gatehouse-dev/caddy-gatehouse/gate/ipaddr"
)

// checkCORS is item 2: "Configure CORS for specific origins only".
func checkCORS(d *Deployment, r *Result) {
	const remedy = "name the origins of your pages: `CORS_ORIGIN=https://app.example.com` in the environment, or `cors https://app.example.com` in the block of gatehouse"
	for _, s := range d.guarded() {
		if slices.Contains(s.Origins, "*") {
			r.fail(remedy, "%s: pages of every origin may read what it answers (*)", s.Name)
			continue
		}
		if a := s.Stranger; a != nil && a.Header["Access-Control-Allow-Origin"] != "" {
			r.fail(remedy, "%s: a page of an origin that nobody has named is answered with Access-Control-Allow-Origin: %s", s.Name, a.Header["Access-Control-Allow-Origin"])
			continue
		}
		for _, origin := range s.Origins {
			if strings.HasPrefix(origin, "http://") && !isLocalOrigin(origin) {
				r.warn("serve that page by https, and name its origin so", "%s: %s is plain http: whoever is on the way can be that page", s.Name, origin)
			}
		}
		switch {
		case len(s.Origins) == 0:
			r.ok("%s: no page of another origin", s.Name)
		case s.Credentials:
			r.ok("%s: pages of %s, with cookies", s.Name, strings.Join(s.Origins, ", "))
		default:
			r.ok("%s: pages of %s", s.Name, strings.Join(s.Origins, ", "))
		}
	}
}

// isLocalOrigin reports whether an origin is a page of the visitor's own machine.
func isLocalOrigin(origin string) bool {
	u, err := url.Parse(origin)
	return err == nil && ipaddr.NamesLoopback(u.Hostname())
}

// guarded are the sites that agents stand behind.
func (d *Deployment) guarded() []Site {
	var sites []Site
	for _, s := range d.Sites {
		if s.Guarded {
			sites = append(sites, s)
		}
	}
	return sites
}
