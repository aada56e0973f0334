package gate

import (
	"slices"
	"strings"

	"github.com/caddyserver/caddy/v2"
	"github.com/caddyserver/caddy/v2/modules/caddyhttp"
)

// SiteName names the site that a handler stands in while it is provisioned: by
// the addresses that its server listens on, and the hosts of its route. What
// is kept by site (counters, say) is kept under this name, which a reload and a
// restart do not change as long as the site stays at its place.
func SiteName(ctx caddy.Context) string {
	server, _ := ctx.Value(caddyhttp.ServerCtxKey).(*caddyhttp.Server)
	if server == nil {
		return ""
	}
	name := strings.Join(slices.Sorted(slices.Values(server.Listen)), ",")
	// Caddy provisions the matchers of all routes, then the handlers of one
	// after the other, and drops the JSON of those that it is done with: the
	// first route that still has it is the handler's.
	for _, route := range server.Routes {
		if len(route.HandlersRaw) == 0 {
			continue
		}
		var hosts []string
		for _, set := range route.MatcherSets {
			for _, matcher := range set {
				switch m := matcher.(type) {
				case caddyhttp.MatchHost:
					hosts = append(hosts, m...)
				case *caddyhttp.MatchHost:
					hosts = append(hosts, *m...)
				}
			}
		}
		slices.Sort(hosts)
		return strings.TrimSuffix(name+" "+strings.Join(hosts, ","), " ")
	}
	return name + " errors"
}
