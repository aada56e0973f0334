// Package admin is what operators work with: the command line, `caddy gate ...`
// in any build and the same words without `gate` in the binary gatehouse, and the
// routes under /gatehouse/ of Caddy's admin endpoint, which it asks.
package admin

import (
	"fmt"
	"strings"

	caddycmd "github.com/caddyserver/caddy/v2/cmd"
	"github.com/gatehouse-dev/caddy-gatehouse/gate"
	"github.com/spf13/cobra"
)

// Command is the name of the command that holds all of Gatehouse's.
const Command = "gate"

// Words are the subcommands, which the binary gatehouse takes without the
// word "gate".
var Words = []string{"audit", "detect", "doctor", "explain", "key", "preset"}

func init() {
	caddycmd.RegisterCommand(caddycmd.Command{
		Name:  Command,
		Usage: "<command>",
		Short: "The commands of Gatehouse, the gate for AI-agent backends",
		CobraFunc: func(cmd *cobra.Command) {
			onlyHolds(cmd)
			tellMistakes(cmd)
			cmd.AddCommand(auditCommand(), detectCommand(), doctorCommand(), explainCommand(), keyCommand(), presetCommand())
		},
	})
}

// onlyHolds has a command that only holds others refuse what is none of them.
// Cobra would print the help and call that a success, to a script that has
// misspelt `revoke` too.
func onlyHolds(cmd *cobra.Command) {
	cmd.RunE = func(cmd *cobra.Command, args []string) error {
		if len(args) == 0 {
			return cmd.Help()
		}
		var names []string
		for _, sub := range cmd.Commands() {
			names = append(names, sub.Name())
		}
		return fmt.Errorf("there is no command %q here: %s has %s", args[0], cmd.CommandPath(), strings.Join(names, ", "))
	}
	cmd.Args = cobra.ArbitraryArgs
	cmd.DisableFlagsInUseLine = true
}

// presetCommand prints a preset as the directives that it stands for.
func presetCommand() *cobra.Command {
	return &cobra.Command{
		Use:   "preset <name> [<upstream>...]",
		Short: "Prints a preset as the directives it stands for",
		Long: `
Prints the preset of that name, written out in the directives that it stands
for. Put into a site in place of the one line "gatehouse <name> <upstream>", it
gives the same configuration.

Without an upstream, it is printed for 127.0.0.1:3000.
`,
		Example: "  gatehouse preset elizaos 127.0.0.1:3000",
		Args:    cobra.MinimumNArgs(1),
		RunE: func(cmd *cobra.Command, args []string) error {
			upstreams := args[1:]
			if len(upstreams) == 0 {
				upstreams = []string{"127.0.0.1:3000"}
			}
			text, err := gate.Preset(args[0], upstreams)
			if err != nil {
				return err
			}
			_, err = fmt.Fprint(cmd.OutOrStdout(), text)
			return err
		},
	}
}
