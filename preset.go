package gatehouse

import (
	_ "embed"
	"fmt"
	"net"
	"regexp"
	"strconv"
	"strings"

	"github.com/caddyserver/caddy/v2/caddyconfig/caddyfile"
	"github.com/caddyserver/caddy/v2/caddyconfig/httpcaddyfile"
	"github.com/caddyserver/caddy/v2/modules/caddyhttp"
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
//		ui on | off
//		media public | private
//		@<name> <matcher>
//		<directive without "agent_"> ... {
//			<option> ...
//		}
//		backend {
//			<option of the transport agent_backend> ...
//		}
//		reverse_proxy {
//			<option of reverse_proxy> ...
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
			return nil, err // of another line than this one
		}
		upstreams = []string{upstream}
	}
	for _, upstream := range upstreams {
		if err := checkUpstream(upstream); err != nil {
			return nil, h.WrapErr(err)
		}
	}
	text, err := gate.Preset(name, upstreams)
	if err != nil {
		return nil, h.WrapErr(err)
	}
	preset, err := parsePreset(gate.PresetFile(name, line), text)
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
		return nil, inPreset{err}
	}
	values := h.NewRoute(matcher, handler)
	for _, value := range values {
		if route, ok := value.Value.(caddyhttp.Route); ok {
			gate.NotePreset(line, route.HandlersRaw)
		}
	}
	return values, nil
}

// inPreset is an error in a preset as it was merged: places in the preset are
// told as such, and a mistake that has its place is not given that of the whole.
type inPreset struct{ error }

func (e inPreset) Error() string {
	text := gate.TellPresetLines(e.error.Error())
	return twoPlaces.ReplaceAllString(text, "$1")
}

var twoPlaces = regexp.MustCompile(`(, at [^\n]+:\d+[^\n]*), at [^\n]+:\d+$`)

func (e inPreset) Unwrap() error { return e.error }

// parsePreset reads a preset's text as Caddy reads a Caddyfile, shorthand
// placeholders included.
func parsePreset(file, text string) (*line, error) {
	blocks, err := caddyfile.Parse(file, []byte(":1 {\n"+text+"}\n"))
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

// ofNetwork is an address with its network before it, as Caddy writes them.
var ofNetwork = regexp.MustCompile(`^(unix(\+h2c)?|tcp[46]?)/`)

// checkUpstream finds what Caddy's proxy would refuse in words that fit no line
// of the operator's, or take for something else.
func checkUpstream(upstream string) error {
	if strings.Contains(upstream, "{") || ofNetwork.MatchString(upstream) {
		return nil
	}
	scheme, rest, has := strings.Cut(upstream, "://")
	if !has {
		scheme, rest = "", upstream
	}
	address, path, cut := strings.Cut(rest, "/")
	switch {
	case strings.HasSuffix(upstream, ","):
		return fmt.Errorf("the backend %s ends in a comma: separate several by spaces", upstream)
	case has && scheme != "http" && scheme != "https" && scheme != "h2c":
		return fmt.Errorf("the backend %s: the gate speaks http and https to it, WebSockets too: write http://%s", upstream, address)
	case !inRange(address):
		return fmt.Errorf("the backend %s: a port is a number from 1 to 65535", upstream)
	case !cut:
		return nil
	case has || strings.Contains(address, ":"):
		return fmt.Errorf("the backend %s has a path, /%s: leave it out, and the slash too; the backend is asked for the path that the client has asked for", upstream, path)
	}
	return fmt.Errorf("%s is no address of a backend: write 127.0.0.1:3000 or https://eliza.internal:3443", upstream)
}

// inRange reports whether the port of an address can be one, if it has any.
func inRange(address string) bool {
	_, text, err := net.SplitHostPort(address)
	port, notANumber := strconv.Atoi(text)
	return err != nil || notANumber != nil || 1 <= port && port <= 65535
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
