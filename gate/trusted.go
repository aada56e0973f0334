package gate

import (
	"errors"
	"net/http"
	"net/netip"
	"net/url"

	"github.com/caddyserver/caddy/v2"
	"github.com/caddyserver/caddy/v2/modules/caddyhttp"
)

// TrustedProxies is the finding of trusted_proxies that cover the whole world.
var TrustedProxies = RegisterGlobalFinding("trusted_proxies")

// checkProxies refuses a server whose trusted_proxies cover the whole world:
// every client could then choose the address that it is taken for.
func (a *App) checkProxies(server *caddyhttp.Server) error {
	if a.Accepts(TrustedProxies) || !trustsAll(server) {
		return nil
	}
	return errors.New("trusted_proxies cover the whole world: every client could make up the address that it is taken for, " +
		"and so escape limits, IP lists and bans, or have others banned. Name the networks of the proxies that stand before the gate, " +
		"in the global options: servers { trusted_proxies static 10.0.0.7 ; trusted_proxies_strict }\n" +
		"(this is the finding trusted_proxies; to accept it, write `allow_unsafe trusted_proxies \"<reason>\"` in the global option gatehouse)")
}

// trustsAll reports whether a server believes whoever connects. It asks the
// server itself, since the networks can come from any module: whether it trusts
// most of a number of addresses from all over the internet. No CDN has half of it.
func trustsAll(server *caddyhttp.Server) bool {
	for _, everywhere := range [][]netip.Addr{everywhere4, everywhere6} {
		trusted := 0
		for _, ip := range everywhere {
			r := &http.Request{RemoteAddr: netip.AddrPortFrom(ip, 443).String(), URL: new(url.URL), Header: make(http.Header)}
			r = caddyhttp.PrepareRequest(r, caddy.NewReplacer(), nil, server)
			if fromTrustedProxy(r) {
				trusted++
			}
		}
		if trusted > len(everywhere)/2 {
			return true
		}
	}
	return false
}

// fromTrustedProxy reports whether a request comes from one of trusted_proxies.
func fromTrustedProxy(r *http.Request) bool {
	trusted, _ := caddyhttp.GetVar(r.Context(), caddyhttp.TrustedProxyVarKey).(bool)
	return trusted
}

// everywhere4 and everywhere6 are addresses of all parts of what is given out.
var everywhere4, everywhere6 = func() (v4, v6 []netip.Addr) {
	for i := byte(1); i < 224; i += 7 {
		v4 = append(v4, netip.AddrFrom4([4]byte{i, 77, 141, 203}))
	}
	for i := range byte(32) {
		v6 = append(v6, netip.AddrFrom16([16]byte{0x20 + i, 0x4d, 0x8d, 15: 1}))
	}
	return v4, v6
}()
