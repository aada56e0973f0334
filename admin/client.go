package admin

import (
	"context"
	"encoding/json"
	"errors"
	"fmt"
	"io"
	"net"
	"net/http"
	"os"
	"path/filepath"
	"strings"
	"time"

	"github.com/caddyserver/caddy/v2"
	"github.com/caddyserver/caddy/v2/caddyconfig"
	caddycmd "github.com/caddyserver/caddy/v2/cmd"
	"github.com/spf13/cobra"
)

// client asks the admin endpoint of a gate that runs. It finds it as Caddy's
// own commands do.
type client struct {
	address, config, adapter string
	loaded                   json.RawMessage
}

func (c *client) flags(cmd *cobra.Command) {
	cmd.PersistentFlags().StringVar(&c.address, "address", "", "the admin endpoint of the gate that runs (default: CADDY_ADMIN, or localhost:2019)")
	cmd.PersistentFlags().StringVar(&c.config, "config", "", "the configuration, which says where the admin endpoint is")
	cmd.PersistentFlags().StringVar(&c.adapter, "adapter", "", "the adapter of the configuration")
}

// patience is how long a command waits for the gate.
const patience = 10 * time.Second

// where is the address of the admin endpoint.
func (c *client) where() (string, error) {
	if c.address != "" {
		return c.address, nil
	}
	config, err := c.configuration()
	if err != nil {
		return "", err
	}
	return caddycmd.DetermineAdminAPIAddress("", config, c.config, "")
}

// configuration is the one that --config names, in Caddy's own form; nil if
// none is named. Caddy's LoadConfig, which does the same, logs between the lines
// that a command prints.
func (c *client) configuration() (json.RawMessage, error) {
	if c.config == "" || c.loaded != nil {
		return c.loaded, nil
	}
	text, err := os.ReadFile(c.config)
	if err != nil {
		return nil, fmt.Errorf("--config: %w", err)
	}
	name := c.adapter
	if isCaddyfile(c.config, c.adapter) {
		name = "caddyfile"
	}
	if name != "" {
		adapter := caddyconfig.GetAdapter(name)
		if adapter == nil {
			return nil, fmt.Errorf("--adapter: there is no adapter %s", name)
		}
		if text, _, err = adapter.Adapt(text, map[string]any{"filename": c.config}); err != nil {
			return nil, fmt.Errorf("--config %s: %w", c.config, err)
		}
	}
	if !json.Valid(text) {
		return nil, fmt.Errorf("--config %s is no JSON: for another form than JSON and a Caddyfile, name its adapter with --adapter", c.config)
	}
	c.loaded = text
	return text, nil
}

// isCaddyfile tells a Caddyfile by its name, unless an adapter is named.
func isCaddyfile(path, adapter string) bool {
	base := strings.ToLower(filepath.Base(path))
	return adapter == "caddyfile" || adapter == "" && filepath.Ext(base) != ".json" &&
		(strings.HasPrefix(base, "caddyfile") || strings.HasSuffix(base, ".caddyfile"))
}

// get reads an answer of the admin endpoint.
func (c *client) get(path string, into any) error { return c.ask(http.MethodGet, path, nil, into) }

// ask sends a request to the admin endpoint and reads the answer.
func (c *client) ask(method, path string, body io.Reader, into any) error {
	address, err := c.where()
	if err != nil {
		return err
	}
	endpoint, err := caddy.ParseNetworkAddress(address)
	if err != nil {
		return fmt.Errorf("the address %s of the admin endpoint: %w", address, err)
	}
	dialed, host := endpoint.JoinHostPort(0), endpoint.JoinHostPort(0)
	if endpoint.IsUnixNetwork() {
		dialed, _, _ = strings.Cut(endpoint.Host, "|") // the socket's mode
		host = "127.0.0.1"
	}
	ctx, cancel := context.WithTimeout(context.Background(), patience)
	defer cancel()
	r, err := http.NewRequestWithContext(ctx, method, "http://"+host+path, body)
	if err != nil {
		return err
	}
	transport := &http.Transport{DisableKeepAlives: true, DialContext: func(ctx context.Context, _, _ string) (net.Conn, error) {
		return new(net.Dialer).DialContext(ctx, endpoint.Network, dialed)
	}}
	res, err := (&http.Client{Transport: transport}).Do(r)
	if err != nil {
		return fmt.Errorf("the gate does not answer at %s: %w%s", address, plain(err), c.hint())
	}
	defer res.Body.Close()
	if res.StatusCode >= 300 {
		var said struct{ Error string }
		if err := json.NewDecoder(io.LimitReader(res.Body, 1<<20)).Decode(&said); err != nil || said.Error == "" {
			said.Error = "it has no gatehouse built in"
		}
		return fmt.Errorf("the process at %s says (%d): %s", address, res.StatusCode, said.Error)
	}
	if into == nil {
		return nil
	}
	return json.NewDecoder(res.Body).Decode(into)
}

// hint says how to name the gate where nothing was named.
func (c *client) hint() string {
	if c.address != "" || c.config != "" || os.Getenv("CADDY_ADMIN") != "" {
		return ""
	}
	return " (if it listens elsewhere, name its Caddyfile with --config, or the place itself with --address)"
}

// plain takes the layers off an error of net/http down to the system's own.
func plain(err error) error {
	if call := (*os.SyscallError)(nil); errors.As(err, &call) {
		return call.Err
	}
	return err
}
