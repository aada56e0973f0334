package gatehouse

import (
	_ "embed"
	"net"

	"github.com/caddyserver/caddy/v2/caddyconfig/caddyfile"
	"github.com/caddyserver/caddy/v2/caddyconfig/httpcaddyfile"
	"github.com/gatehouse-dev/caddy-gatehouse/gate"
)

// The preset api knows nothing of routes: a key for everything, and nothing more.
//
//go:embed api.caddyfile
var apiPreset string

func init() { gate.RegisterPreset("api", apiPreset) }

// parseGatehouse expands the umbrella directive. Syntax:
//
//	gatehouse [<matcher>] <preset> [<upstream>...] {
//		error_format <format>
//		@<name> <matcher>
//		<directive without "agent_"> ... {
//			<option> ...
//		}
//		backend {
//			<option of the transport agent_backend> ...
//		}
//	}
//
// The preset is text in the Caddyfile's own language; the block is merged into
// it option by option (see merge.go), and the result is parsed as if it had
// been written out.
func parseGatehouse(h httpcaddyfile.Helper) ([]httpcaddyfile.ConfigValue, error) {
	h.Next()
	matcher, err := h.ExtractMatcherSet()
	if err != nil {
		return nil, err
	}
	h.Next()
	line := h.Token()
	args := h.RemainingArgs()
	if len(args) == 0 {
		return nil, h.Err("gatehouse needs a preset and the backend's address, such as `gatehouse elizaos 127.0.0.1:3000`")
	}
	name, upstreams := args[0], args[1:]
	if len(upstreams) == 0 {
		upstream, err := defaultUpstream(h)
		if err != nil {
			return nil, h.WrapErr(err)
		}
		upstreams = []string{upstream}
	}
	text, err := gate.Preset(name, upstreams)
	if err != nil {
		return nil, h.WrapErr(err)
	}
	preset, err := parsePreset(name, text)
	if err != nil {
		return nil, err
	}
	if err := mergeOverrides(preset, parseLines(h.Dispenser), line); err != nil {
		return nil, err
	}
	// Errors name the place of the last word too: the operator's line.
	preset.close.File, preset.close.Line = line.File, line.Line
	handler, err := httpcaddyfile.ParseSegmentAsSubroute(h.WithDispenser(caddyfile.NewDispenser(preset.tokens())))
	if err != nil {
		return nil, err
	}
	return h.NewRoute(matcher, handler), nil
}

// parsePreset reads a preset's text as Caddy reads a Caddyfile, shorthand
// placeholders included.
func parsePreset(name, text string) (*line, error) {
	blocks, err := caddyfile.Parse(name+".caddyfile", []byte(":1 {\n"+text+"}\n"))
	if err != nil {
		return nil, err
	}
	route := blocks[0].Segments[0]
	for i := range route {
		route[i].Line-- // as in the printed text, which has no site around it
	}
	httpcaddyfile.NewShorthandReplacer().ApplyToSegment(&route)
	d := caddyfile.NewDispenser(route)
	d.Next()
	return parseLine(d), nil
}

// defaultUpstream is where a backend listens that was given no other port.
func defaultUpstream(h httpcaddyfile.Helper) (string, error) {
	port, err := gate.AdaptedEnv(h.Option("gatehouse"), "SERVER_PORT")
	if err != nil {
		return "", err
	}
	if port == "" {
		port = "3000"
	}
	return net.JoinHostPort("127.0.0.1", port), nil
}
