package gate

import (
	"fmt"

	"github.com/caddyserver/caddy/v2/modules/caddyhttp"
)

// configPaths tell where handlers of the gate's stand in the configuration, as
// paths of Caddy's admin API: apps/http/servers/srv0/routes/0/handle/1.
type configPaths struct {
	of map[Step]string
	// only are those of the handlers that are the only ones of their name in a
	// server; "" where there are several.
	only map[nameInServer]string
}

type nameInServer struct {
	server *caddyhttp.Server
	name   string
}

func newConfigPaths(servers map[string]*caddyhttp.Server) *configPaths {
	p := &configPaths{make(map[Step]string), make(map[nameInServer]string)}
	for name, server := range servers {
		p.find(server, server.Routes, "apps/http/servers/"+name+"/routes")
	}
	return p
}

func (p *configPaths) find(server *caddyhttp.Server, routes caddyhttp.RouteList, at string) {
	for i, route := range routes {
		for j, handler := range route.Handlers {
			path := fmt.Sprintf("%s/%d/handle/%d", at, i, j)
			switch h := handler.(type) {
			case *caddyhttp.Subroute:
				p.find(server, h.Routes, path+"/routes")
			case Step:
				p.of[h] = path
				key := nameInServer{server, nameOf(h)}
				if _, another := p.only[key]; another {
					path = ""
				}
				p.only[key] = path
			}
		}
	}
}

// pathOf is where a step stands; where only its name is known, the one of that
// name in the server, if there is one. "" where nobody knows.
func (a *App) pathOf(step Step, server *caddyhttp.Server, name string) string {
	paths := a.paths.Load()
	if paths == nil {
		return ""
	}
	if at, ok := paths.of[step]; ok && step != nil {
		return at
	}
	return paths.only[nameInServer{server, name}]
}
