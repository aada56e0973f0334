package gate

import (
	"maps"
	"os"
	"slices"
	"strings"
	"time"

	"github.com/caddyserver/caddy/v2/modules/caddyhttp"
	"github.com/caddyserver/caddy/v2/modules/caddyhttp/reverseproxy"
)

// Portrait is what the configuration that runs has come to, its placeholders
// resolved, for those who examine a deployment. Neither a secret is in it nor
// the hash of one.
type Portrait struct {
	// Environment are the documented variables that are set, without those that
	// are secrets.
	Environment map[string]string `json:"environment"`
	// Secrets are the names of those that are secrets.
	Secrets []string `json:"secrets,omitempty"`
	// EnvFiles are the files that variables are read from, and FromFiles the
	// path for each variable that is.
	EnvFiles  []EnvFile         `json:"env_files,omitempty"`
	FromFiles map[string]string `json:"from_files,omitempty"`
	// KeyFile says that there is a key file.
	KeyFile bool `json:"key_file,omitempty"`
	// Sites are the sites, redirects to https left out.
	Sites []*SitePortrait `json:"sites"`
}

// EnvFile is a file that variables are read from.
type EnvFile struct {
	Path string `json:"path"`
	// Changed is when it was written last; zero where it cannot be looked at.
	Changed time.Time `json:"changed,omitzero"`
}

// SitePortrait is one site.
type SitePortrait struct {
	// Server is the server's name in the configuration.
	Server string   `json:"server"`
	Listen []string `json:"listen"`
	// Hosts are those that it answers by name; empty: it answers every host.
	Hosts []string `json:"hosts,omitempty"`
	// TLS says that its server speaks https.
	TLS bool `json:"tls"`
	// TrustsAll says that whoever connects may say whom it comes from: the
	// server's trusted_proxies cover the whole world.
	TrustsAll bool `json:"trusts_all,omitempty"`
	// Keys are the keys that are written in it.
	Keys []KeyPortrait `json:"keys,omitempty"`
	// Scopes are those that its rules ask callers for.
	Scopes []string `json:"scopes,omitempty"`
	// Guarded says that agent_auth stands in it.
	Guarded bool `json:"guarded"`
	// Anonymous are the scopes of callers without a key.
	Anonymous []string `json:"anonymous,omitempty"`
	// Origins are the other origins that CORS allows.
	Origins []string `json:"origins,omitempty"`
	// Credentials says that pages of those may send cookies.
	Credentials bool `json:"credentials,omitempty"`
	// UI says that the backend's web UI is served.
	UI bool `json:"ui,omitempty"`
	// Limits are the tiers, each with all its limits.
	Limits []LimitPortrait `json:"limits,omitempty"`
	// Plans are those that its limits know.
	Plans []string `json:"plans,omitempty"`
	// MaxBody is how long bodies may be that nothing else is said of, in bytes;
	// 0: nothing bounds them.
	MaxBody int64 `json:"max_body,omitempty"`
	// Upstreams are the backends.
	Upstreams []UpstreamPortrait `json:"upstreams,omitempty"`
}

// KeyPortrait is a key that is written in a site.
type KeyPortrait struct {
	ID string `json:"id"`
	// From is where its secret is from: a placeholder, "hash", or "new".
	From string `json:"from"`
	// Scopes are what it may do, as they are written.
	Scopes []string `json:"scopes,omitempty"`
	// Plan is the one whose limits are to hold for it.
	Plan string `json:"plan,omitempty"`
	// Bits is how much chance is in the secret, by what it looks like; 0: only
	// its hash is known.
	Bits int `json:"bits,omitempty"`
}

// LimitPortrait is a limit of a tier.
type LimitPortrait struct {
	Tier     string        `json:"tier"`
	Requests int           `json:"requests"`
	Window   time.Duration `json:"window"`
	// Shadow says that it refuses nothing.
	Shadow bool `json:"shadow,omitempty"`
}

// UpstreamPortrait is a backend, and the way to it.
type UpstreamPortrait struct {
	Address string `json:"address"`
	// Guarded says that nobody comes to it but through agent_auth.
	Guarded bool `json:"guarded"`
	TLS     bool `json:"tls,omitempty"`
	// Backend is the name of the kind of backend; empty: not known.
	Backend string `json:"backend,omitempty"`
	// Spread is how many requests one source address carries in 15 minutes.
	Spread []SharePortrait `json:"spread,omitempty"`
}

// SharePortrait is how many requests of some paths one source address carries.
type SharePortrait struct {
	Requests int `json:"requests"`
	// Paths are empty where it is for all.
	Paths []string `json:"paths,omitempty"`
}

// Sitter is a handler, or a transport, that tells what a portrait shows of it.
type Sitter interface {
	Sit(site *SitePortrait)
}

// UpstreamSitter is a transport that tells what a portrait shows of it.
type UpstreamSitter interface {
	SitUpstream(upstream *UpstreamPortrait)
}

// Scopes are those that the rules of any site ask callers for.
func (p *Portrait) Scopes() []string {
	var all []string
	for _, site := range p.Sites {
		all = append(all, site.Scopes...)
	}
	slices.Sort(all)
	return slices.Compact(all)
}

// Portrait draws the configuration that runs.
func (a *App) Portrait() Portrait {
	p := Portrait{Environment: make(map[string]string), FromFiles: make(map[string]string), Sites: []*SitePortrait{}}
	for _, name := range slices.Sorted(maps.Keys(variables)) {
		if file := a.env.source(name); file != "" {
			p.FromFiles[name] = file
		}
		switch value := a.Getenv(name); {
		case value == "":
		case secretVariables[name]:
			p.Secrets = append(p.Secrets, name)
		default:
			p.Environment[name] = value
		}
	}
	for _, path := range a.EnvFile {
		file := EnvFile{Path: path}
		if info, err := os.Stat(path); err == nil {
			file.Changed = info.ModTime()
		}
		p.EnvFiles = append(p.EnvFiles, file)
	}
	app := httpApp(a.ctx)
	if app == nil {
		return p // no server, no site
	}
	for _, name := range slices.Sorted(maps.Keys(app.Servers)) {
		p.Sites = append(p.Sites, portraitsOf(name, app.Servers[name])...)
	}
	// Caddy numbers servers by their ports, which says nothing to anybody.
	slices.SortStableFunc(p.Sites, func(a, b *SitePortrait) int {
		if a.TLS != b.TLS {
			return map[bool]int{true: -1, false: 1}[a.TLS]
		}
		return slices.Compare(a.Hosts, b.Hosts)
	})
	return p
}

// portraitsOf are the sites of a server. Caddy makes one route of a site with
// hosts, and several of one that answers every host, which are one site here.
func portraitsOf(name string, server *caddyhttp.Server) []*SitePortrait {
	sites := make(map[place]*SitePortrait)
	var all []*SitePortrait
	var before passed
	for i := range server.Routes {
		if isRedirect(server.Routes[i]) {
			continue
		}
		s := newSite(server, i, &server.Routes[i])
		site := sites[s.key()]
		if site == nil {
			site = &SitePortrait{Server: name, Listen: server.Listen, TLS: len(server.TLSConnPolicies) > 0, TrustsAll: trustsAll(server)}
			for _, hosts := range s.hosts {
				site.Hosts = append(site.Hosts, hosts...)
			}
			sites[s.key()] = site
			all = append(all, site)
		}
		before = walk(server.Routes[i:i+1], before, site.draw)
	}
	return all
}

func (s *SitePortrait) draw(handler caddyhttp.MiddlewareHandler, before passed) {
	if _, ok := handler.(Guard); ok {
		s.Guarded = true
	}
	if sitter, ok := handler.(Sitter); ok {
		sitter.Sit(s)
	}
	proxy, ok := handler.(*reverseproxy.Handler)
	if !ok {
		return
	}
	if sitter, ok := proxy.Transport.(Sitter); ok {
		sitter.Sit(s)
	}
	for _, address := range upstreamsOf(proxy) {
		upstream := UpstreamPortrait{Address: strings.TrimPrefix(address, "tcp/"), Guarded: before.guard}
		if transport, ok := proxy.Transport.(reverseproxy.TLSTransport); ok {
			upstream.TLS = transport.TLSEnabled()
		}
		if sitter, ok := proxy.Transport.(UpstreamSitter); ok {
			sitter.SitUpstream(&upstream)
		}
		s.Upstreams = append(s.Upstreams, upstream)
	}
}

// Sit tells of the web UI.
func (g *Gate) Sit(site *SitePortrait) { site.UI = site.UI || g.ui != nil && g.ui.on }

var _ Sitter = (*Gate)(nil)
