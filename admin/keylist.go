package admin

import (
	"encoding/json"
	"fmt"
	"os"
	"slices"
	"strconv"
	"strings"
	"text/tabwriter"
	"time"

	"github.com/gatehouse-dev/caddy-gatehouse/auth/keys"
	"github.com/spf13/cobra"
)

func (c *keyFile) list() *cobra.Command {
	return &cobra.Command{
		Use:   "list",
		Short: "Lists the keys",
		Args:  cobra.NoArgs,
		RunE: func(cmd *cobra.Command, _ []string) error {
			all, err := c.all(cmd)
			if err != nil {
				return err
			}
			return c.print(cmd, all)
		},
	}
}

func (c *keyFile) show() *cobra.Command {
	return &cobra.Command{
		Use:   "show <id>",
		Short: "Shows one key and its secrets' states",
		Args:  cobra.ExactArgs(1),
		RunE: func(cmd *cobra.Command, args []string) error {
			all, err := c.all(cmd)
			if err != nil {
				return err
			}
			i := slices.IndexFunc(all, func(k liveKey) bool { return k.ID == args[0] })
			if i < 0 {
				return fmt.Errorf("key %s: %w", args[0], keys.ErrNotFound)
			}
			if err := c.print(cmd, all[i:i+1]); err != nil || c.json {
				return err
			}
			return printSecrets(cmd, all[i])
		},
	}
}

// live asks the gate that runs for its keys. It says so when none answers, or
// when that one has another key file, and returns no keys then.
func (c *keyFile) live(cmd *cobra.Command) *liveKeys {
	live := new(liveKeys)
	if err := c.gate.get("/gatehouse/keys", live); err != nil {
		fmt.Fprintf(cmd.ErrOrStderr(), "%v; shown is what the file knows.\n", err)
		return nil
	}
	if !sameFile(live.File, c.path) {
		fmt.Fprintf(cmd.ErrOrStderr(), "The gate that runs has another key file, %s; shown is what %s knows.\n", live.File, c.path)
		return nil
	}
	if live.Problem != "" {
		fmt.Fprintf(cmd.ErrOrStderr(), "The gate cannot use the file as it is now, so the last good keys are in force: %s\n", live.Problem)
	}
	return live
}

func sameFile(a, b string) bool {
	one, err := os.Stat(a)
	if err != nil {
		return false
	}
	other, err := os.Stat(b)
	return err == nil && os.SameFile(one, other)
}

// known are the keys as the engine has them, with the times of last use.
func (l *liveKeys) known() []keys.Key {
	if l == nil {
		return nil
	}
	all := make([]keys.Key, len(l.Keys))
	for i, k := range l.Keys {
		all[i] = k.Key
		all[i].Secrets = nil
		for _, s := range k.Secrets {
			all[i].Secrets = append(all[i].Secrets, s.Secret)
		}
	}
	return all
}

// all are the keys of the file, with what the gate that runs knows of them.
func (c *keyFile) all(cmd *cobra.Command) ([]liveKey, error) {
	d, err := c.file().Load()
	if err != nil {
		return nil, err
	}
	live := c.live(cmd)
	d.RecordUse(live.known())
	var all []liveKey
	for _, status := range keys.StatusOf(d.Keys, time.Now()) {
		k := liveKey{Status: status}
		if live != nil {
			if i := slices.IndexFunc(live.Keys, func(other liveKey) bool { return other.ID == k.ID }); i >= 0 {
				k.Streams = live.Keys[i].Streams
			}
		}
		all = append(all, k)
	}
	return all, nil
}

func (c *keyFile) print(cmd *cobra.Command, all []liveKey) error {
	if c.json {
		return json.NewEncoder(cmd.OutOrStdout()).Encode(all)
	}
	w := tabwriter.NewWriter(cmd.OutOrStdout(), 0, 0, 2, ' ', 0)
	fmt.Fprintln(w, "KEY\tSTATE\tSCOPES\tPLAN\tEXPIRES\tSECRETS\tLAST USED\tOPEN")
	for _, k := range all {
		var secrets []string
		var used time.Time
		for _, s := range k.Secrets {
			secrets = append(secrets, s.ID+" "+string(s.State))
			if s.LastUsed.After(used) {
				used = s.LastUsed
			}
		}
		open := "-"
		if k.Streams != nil {
			open = strconv.Itoa(*k.Streams)
		}
		fmt.Fprintf(w, "%s\t%s\t%s\t%s\t%s\t%s\t%s\t%s\n", k.ID, k.State, strings.Join(k.Scopes, ","), k.Plan,
			moment(k.Expires), strings.Join(secrets, ", "), moment(used), open)
	}
	return w.Flush()
}

func printSecrets(cmd *cobra.Command, k liveKey) error {
	w := tabwriter.NewWriter(cmd.OutOrStdout(), 0, 0, 2, ' ', 0)
	fmt.Fprintln(w, "\nSECRET\tSTATE\tMADE\tLAST USED\tENDS")
	for _, s := range k.Secrets {
		fmt.Fprintf(w, "%s\t%s\t%s\t%s\t%s\n", s.ID, s.State, moment(s.Created), moment(s.LastUsed), moment(s.NotAfter))
	}
	return w.Flush()
}

func moment(t time.Time) string {
	if t.IsZero() {
		return "never"
	}
	return t.Format(time.RFC3339)
}
