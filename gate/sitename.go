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
	route, index := routeOf(server)
	if index < 0 {
		return name + " errors"
	}
	var hosts []string
	for _, set := range route.MatcherSets {
		for _, m := range hostsOf(set) {
			hosts = append(hosts, m...)
		}
	}
	slices.Sort(hosts)
	return strings.TrimSuffix(name+" "+strings.Join(hosts, ","), " ")
}
