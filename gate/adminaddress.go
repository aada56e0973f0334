package gate

import (
	"sync/atomic"

	"github.com/caddyserver/caddy/v2"
	"github.com/caddyserver/caddy/v2/caddyconfig/httpcaddyfile"
)

// adminAddress is where the admin endpoint of the Caddyfile listens that was
// adapted last: its configuration does not tell it to the modules in it.
var adminAddress atomic.Pointer[string]

func noteAdmin(h httpcaddyfile.Helper) {
	address := caddy.DefaultAdminListen
	if admin, ok := h.Option("admin").(*caddy.AdminConfig); ok && admin != nil {
		if admin.Disabled {
			address = ""
		} else if admin.Listen != "" {
			address = admin.Listen
		}
	}
	adminAddress.Store(&address)
}

// AdaptedAdmin is where the admin endpoint of the Caddyfile listens that was
// adapted last, in Caddy's form; "" where there is none, or none was adapted.
func AdaptedAdmin() string {
	address := adminAddress.Load()
	if address == nil {
		return ""
	}
	return caddy.NewReplacer().ReplaceKnown(*address, "")
}
