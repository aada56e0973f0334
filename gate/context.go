package gate

import (
	"context"

	"github.com/caddyserver/caddy/v2"
	"github.com/caddyserver/caddy/v2/modules/caddyhttp"
)

// requestContext is the context of a request behind the door. It is cancelled
// when the request is ended. What the handlers and the proxy ask of it dozens of
// times for each request lies at hand: beneath it are the ten contexts that
// Caddy and net/http have put on one another, and each would be asked in turn.
type requestContext struct {
	context.Context
	req *Request
	// What the contexts beneath know by these keys. Whoever knows something
	// else by one of them puts it into a context of its own on top.
	vars, replacer, server, original any
}

type requestKey struct{}

func (c *requestContext) Value(key any) any {
	switch key {
	case requestKey{}:
		return c.req
	case caddyhttp.VarsCtxKey:
		return c.vars
	case caddy.ReplacerCtxKey:
		return c.replacer
	case caddyhttp.ServerCtxKey:
		return c.server
	case caddyhttp.OriginalRequestCtxKey:
		return c.original
	}
	return c.Context.Value(key)
}

// over puts the context of a request over the one that it came with.
func (c *requestContext) over(ctx context.Context, req *Request) {
	*c = requestContext{
		Context:  ctx,
		req:      req,
		vars:     ctx.Value(caddyhttp.VarsCtxKey),
		replacer: ctx.Value(caddy.ReplacerCtxKey),
		server:   ctx.Value(caddyhttp.ServerCtxKey),
		original: ctx.Value(caddyhttp.OriginalRequestCtxKey),
	}
}

// From returns what the gate knows of the request that ctx belongs to, or nil
// before the door.
func From(ctx context.Context) *Request {
	if req, ok := ctx.Value(requestKey{}).(*Request); ok {
		return req
	}
	// A handler before the door that goes on with the request as it was.
	req, _ := caddyhttp.GetVar(ctx, requestVar).(*Request)
	return req
}
