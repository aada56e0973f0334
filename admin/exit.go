package admin

import (
	"fmt"

	caddycmd "github.com/caddyserver/caddy/v2/cmd"
	"github.com/spf13/cobra"
)

// exit ends a command with a code of its own and tells why. Caddy's code for
// any error is 1. Caddy is not told the error: it would log what stands here
// already.
func exit(cmd *cobra.Command, code int, err error) error {
	fmt.Fprintln(cmd.ErrOrStderr(), "Error:", err)
	cmd.SilenceErrors = true
	cmd.Root().SilenceErrors = true
	if code == 1 {
		return err
	}
	return caddycmd.WrapCommandFuncForCobra(func(caddycmd.Flags) (int, error) { return code, nil })(cmd, nil)
}
