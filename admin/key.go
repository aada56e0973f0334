package admin

import (
	"bufio"
	"encoding/json"
	"errors"
	"fmt"
	"io"
	"io/fs"
	"os"
	"path/filepath"
	"strings"
	"time"

	"github.com/caddyserver/caddy/v2"
	"github.com/gatehouse-dev/caddy-gatehouse/auth"
	"github.com/gatehouse-dev/caddy-gatehouse/auth/keys"
	"github.com/gatehouse-dev/caddy-gatehouse/gate"
	"github.com/spf13/cobra"
)

// keyCommand changes and lists the keys of a key file. It works on the file,
// which a running gate watches, so it works whether the gate is up or down. What
// only a running gate knows, it asks of it.
func keyCommand() *cobra.Command {
	c := &keyFile{}
	cmd := &cobra.Command{
		Use:   "key",
		Short: "Makes, lists, rotates and takes back the keys of a key file",
		Long: `
Works on the key file that the global option "keys <path>" of gatehouse names:
with --config the one that this configuration names, else that of --file. A
running gate puts each change in force within a second.

list and show ask the gate that runs when keys were last used and how many of
their requests are in flight, and so does revoke with --if-unused. When no gate
answers, they go by the file and say so.

A new secret is printed once, alone on standard output; everything else that is
said about it goes to standard error.
`,
	}
	onlyHolds(cmd)
	cmd.PersistentFlags().StringVar(&c.path, "file", defaultKeyFile, "the key file")
	cmd.PersistentPreRunE = func(sub *cobra.Command, _ []string) error {
		if sub == cmd || cmd.PersistentFlags().Changed("file") {
			return nil
		}
		return c.find()
	}
	cmd.PersistentFlags().BoolVar(&c.json, "json", false, "write JSON for scripts")
	c.gate.flags(cmd)
	cmd.AddCommand(c.add(), c.list(), c.show(), c.rotate(), c.revoke(), c.remove(), c.importToken(), c.check())
	return cmd
}

// keyFile is the file that a command works on.
type keyFile struct {
	path string
	json bool
	gate client
}

// defaultKeyFile is the key file where neither --file nor --config names one.
const defaultKeyFile = "/etc/gatehouse/keys.json"

// find looks for the key file where the flags do not name it.
func (c *keyFile) find() error {
	if c.gate.config == "" {
		if folder := filepath.Dir(c.path); isMissing(folder) {
			return fmt.Errorf("there is no %s: name the key file with --file, or with --config the Caddyfile that names it", folder)
		}
		return nil
	}
	config, err := c.gate.configuration()
	if err != nil {
		return err
	}
	var named struct {
		Apps struct {
			Gatehouse struct {
				Parts struct{ Keys auth.KeyRing }
			}
		}
	}
	if err := json.Unmarshal(config, &named); err != nil {
		return fmt.Errorf("--config %s: %w", c.gate.config, err)
	}
	switch c.path = named.Apps.Gatehouse.Parts.Keys.File; {
	case c.path == "":
		return fmt.Errorf("%s names no key file: write `keys <path>` in the global option gatehouse, or name one with --file", c.gate.config)
	case strings.Contains(c.path, "{"):
		return fmt.Errorf("%s names the key file by a placeholder, %s: name it with --file", c.gate.config, c.path)
	}
	return nil
}

func isMissing(path string) bool {
	_, err := os.Stat(path)
	return errors.Is(err, fs.ErrNotExist)
}

func (c *keyFile) file() *keys.File { return keys.NewFile(c.path) }

// edit is what a change needs to know. The pepper never stands in the command line.
func (c *keyFile) edit() keys.Edit {
	return keys.Edit{Now: time.Now(), Pepper: []byte(os.Getenv("GATEHOUSE_PEPPER"))}
}

func (c *keyFile) add() *cobra.Command {
	var r rights
	cmd := &cobra.Command{
		Use:     "add <id>",
		Short:   "Makes a key and prints its secret, once",
		Example: "  gatehouse key add ci --scope read,chat --for 90d",
		Args:    cobra.ExactArgs(1),
		RunE: func(cmd *cobra.Command, args []string) error {
			r.ID = args[0]
			k, err := r.key()
			if err != nil {
				return err
			}
			if err := c.file().Init(); err != nil {
				return err
			}
			var minted keys.Minted
			err = c.file().Update(func(d *keys.Document) (err error) {
				minted, err = d.Add(k, c.edit())
				return err
			})
			c.warnOfScopes(cmd, k, err)
			return c.reveal(cmd, minted, err)
		},
	}
	r.flags(cmd)
	return cmd
}

// warnOfScopes tells of a new key's scopes that no rule of the gate that runs
// asks for. Where none runs with a key file, nobody knows.
func (c *keyFile) warnOfScopes(cmd *cobra.Command, k keys.Key, failed error) {
	var portrait gate.Portrait
	if failed != nil || c.gate.get("/gatehouse/deployment", &portrait) != nil || !portrait.KeyFile {
		return
	}
	for _, warning := range scopeWarnings(k, &portrait) {
		fmt.Fprintln(cmd.ErrOrStderr(), "warning:", warning)
	}
}

// scopeWarnings tells of scopes that no rule asks for.
func scopeWarnings(k keys.Key, portrait *gate.Portrait) (warnings []string) {
	asked := portrait.Scopes()
	for _, scope := range gate.UnaskedScopes(k.Scopes, asked) {
		warnings = append(warnings, fmt.Sprintf("no rule asks for the scope %s: it gives nothing; rules ask for %s", scope, strings.Join(asked, ", ")))
	}
	return warnings
}

// reveal shows a new secret, which is stored nowhere.
func (c *keyFile) reveal(cmd *cobra.Command, m keys.Minted, err error) error {
	if err != nil {
		return err
	}
	if c.json {
		return json.NewEncoder(cmd.OutOrStdout()).Encode(minted{Minted: m, Secret: m.Reveal()})
	}
	if m.Repeated {
		fmt.Fprintf(cmd.ErrOrStderr(), "This rotation of %s was made before; its secret was shown then.\n", m.Key)
		return nil
	}
	fmt.Fprintf(cmd.ErrOrStderr(), "The secret of %s, shown only now:\n", m.Key)
	fmt.Fprintln(cmd.OutOrStdout(), m.Reveal())
	if !m.OldEnds.IsZero() {
		fmt.Fprintf(cmd.ErrOrStderr(), "The old one is accepted until %s.\n", m.OldEnds.Format(time.RFC3339))
	}
	return nil
}

func (c *keyFile) rotate() *cobra.Command {
	var overlap, token string
	cmd := &cobra.Command{
		Use:     "rotate <id>",
		Short:   "Gives a key a new secret and the old one an end",
		Example: "  gatehouse key rotate ci --overlap 24h",
		Args:    cobra.ExactArgs(1),
		RunE: func(cmd *cobra.Command, args []string) error {
			until, err := caddy.ParseDuration(overlap)
			if err != nil {
				return fmt.Errorf("--overlap %s: write a duration like 24h", overlap)
			}
			var minted keys.Minted
			err = c.file().Update(func(d *keys.Document) (err error) {
				minted, err = d.Rotate(args[0], until, token, c.edit())
				return err
			})
			return c.reveal(cmd, minted, err)
		},
	}
	cmd.Flags().StringVar(&overlap, "overlap", defaultOverlap, "how long the old secret is still accepted")
	cmd.Flags().StringVar(&token, "idempotency-token", "", "a rotation that is asked for again under the same token mints nothing")
	return cmd
}

func (c *keyFile) revoke() *cobra.Command {
	var secret, unused string
	cmd := &cobra.Command{
		Use:     "revoke <id>",
		Short:   "Takes a key back, or one of its secrets, at once",
		Example: "  gatehouse key revoke ci --secret 1 --if-unused 24h",
		Args:    cobra.ExactArgs(1),
		RunE: func(cmd *cobra.Command, args []string) error {
			var within time.Duration
			if unused != "" {
				var err error
				if within, err = caddy.ParseDuration(unused); err != nil {
					return fmt.Errorf("--if-unused %s: write a duration like 24h", unused)
				}
			}
			var live []keys.Key
			if within > 0 {
				live = c.live(cmd).known()
			}
			changed := false
			err := c.file().Update(func(d *keys.Document) (err error) {
				d.RecordUse(live)
				changed, err = d.Revoke(args[0], secret, within, c.edit())
				return err
			})
			if err != nil {
				return err
			}
			if !changed {
				fmt.Fprintf(cmd.ErrOrStderr(), "%s was revoked before.\n", args[0])
			}
			return nil
		},
	}
	cmd.Flags().StringVar(&secret, "secret", "", "the id of one secret, as show lists them (default: the whole key)")
	cmd.Flags().StringVar(&unused, "if-unused", "", "refuse if it was used within this time")
	return cmd
}

func (c *keyFile) remove() *cobra.Command {
	return &cobra.Command{
		Use:     "remove <id>",
		Short:   "Takes a key that is revoked or has expired out of the file, so that its id is free again",
		Example: "  gatehouse key remove ci",
		Args:    cobra.ExactArgs(1),
		RunE: func(_ *cobra.Command, args []string) error {
			return c.file().Update(func(d *keys.Document) error { return d.Remove(args[0], c.edit()) })
		},
	}
}

func (c *keyFile) importToken() *cobra.Command {
	var r rights
	cmd := &cobra.Command{
		Use:     "import <id>",
		Short:   "Takes an existing token, read from standard input, as a key",
		Example: "  printenv ELIZA_SERVER_AUTH_TOKEN | gatehouse key import eliza --scope '*'",
		Args:    cobra.ExactArgs(1),
		RunE: func(cmd *cobra.Command, args []string) error {
			r.ID = args[0]
			k, err := r.key()
			if err != nil {
				return err
			}
			token, err := bufio.NewReader(io.LimitReader(cmd.InOrStdin(), keys.MaxSecretLength+2)).ReadString('\n')
			if err != nil && !errors.Is(err, io.EOF) {
				return err
			}
			if err := c.file().Init(); err != nil {
				return err
			}
			err = c.file().Update(func(d *keys.Document) error {
				return d.Import(k, strings.TrimRight(token, "\r\n"), c.edit())
			})
			c.warnOfScopes(cmd, k, err)
			return err
		},
	}
	r.flags(cmd)
	return cmd
}

func (c *keyFile) check() *cobra.Command {
	return &cobra.Command{
		Use:   "check",
		Short: "Checks that the key file can be used",
		Args:  cobra.NoArgs,
		RunE: func(cmd *cobra.Command, _ []string) error {
			d, err := c.file().Load()
			if err != nil {
				return err
			}
			if err := d.CheckPepper(c.edit().Pepper); err != nil {
				return err
			}
			if err := c.file().CheckMode(); err != nil {
				fmt.Fprintln(cmd.ErrOrStderr(), "warning:", err)
			}
			fmt.Fprintf(cmd.OutOrStdout(), "%s: %d keys\n", c.path, len(d.Keys))
			return nil
		},
	}
}
