// Command panics is the gate with one more handler, e2e_panic, which panics
// with all that it can find in a request: the worst that another module could do.
package main

import (
	"fmt"
	"net/http"

	"github.com/caddyserver/caddy/v2"
	"github.com/caddyserver/caddy/v2/caddyconfig/httpcaddyfile"
	caddycmd "github.com/caddyserver/caddy/v2/cmd"
	"github.com/caddyserver/caddy/v2/modules/caddyhttp"
	_ "github.com/caddyserver/caddy/v2/modules/standard"
	_ "github.com/mholt/caddy-ratelimit"

	_ "github.com/gatehouse-dev/caddy-gatehouse"
)

func main() {
	caddy.RegisterModule(handler{})
	httpcaddyfile.RegisterHandlerDirective("e2e_panic", func(h httpcaddyfile.Helper) (caddyhttp.MiddlewareHandler, error) {
		return handler{}, nil
	})
	httpcaddyfile.RegisterDirectiveOrder("e2e_panic", httpcaddyfile.Before, "basicauth")
	caddycmd.Main()
}

type handler struct{}

func (handler) CaddyModule() caddy.ModuleInfo {
	return caddy.ModuleInfo{ID: "http.handlers.e2e_panic", New: func() caddy.Module { return new(handler) }}
}

func (handler) ServeHTTP(_ http.ResponseWriter, r *http.Request, _ caddyhttp.Handler) error {
	panic(fmt.Sprintf("%s %v", r.RequestURI, r.Header))
}
