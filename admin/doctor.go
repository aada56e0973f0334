package admin

import (
	"encoding/json"
	"errors"
	"fmt"
	"strings"

	"github.com/gatehouse-dev/caddy-gatehouse/admin/doctor"
	"github.com/gatehouse-dev/caddy-gatehouse/admin/survey"
	"github.com/gatehouse-dev/caddy-gatehouse/gate/ipaddr"
	"github.com/spf13/cobra"
)

// Exit codes of `gatehouse doctor`.
const (
	exitUnhealthy   = 1
	exitNotExamined = 2
)

// doctorCommand examines the deployment that runs.
func doctorCommand() *cobra.Command {
	e := new(examination)
	var checks strings.Builder
	for _, check := range doctor.Checks {
		fmt.Fprintf(&checks, "  %-12s %s?\n", check.Name, check.About)
	}
	cmd := &cobra.Command{
		Use:   "doctor",
		Short: "Checks a deployment that runs, from outside and inside",
		Long: `
Asks the gate that runs what it was configured to do, sends its sites requests
as strangers do, looks at the addresses that the backend listens on, and says of
each thing whether it is in order, and if not, what to write. It changes
nothing. The checks are:

` + checks.String() + `
Run it on the gate's machine (in a container: in the gate's), as root or as the
gate's user: another cannot open the admin endpoint. Only root sees the
environment of the backend's process; without it, the gate's env_file counts.

Its requests stand in the security log, under the User-Agent gatehouse-doctor.

Exit codes: 0, nothing has failed, though there may be warnings; 1, something
has failed; 2, the gate cannot be asked.
`,
		Example: `  gatehouse doctor --config /etc/gatehouse/Caddyfile --backup /var/backups/gatehouse
  gatehouse doctor --skip ui,backup --json | jq '.checks[] | select(.status == "failed")'`,
		Args: cobra.NoArgs,
		RunE: e.run,
	}
	e.gate.flags(cmd)
	cmd.Flags().StringVar(&e.backup, "backup", "", "the file or the folder where backups lie")
	cmd.Flags().StringSliceVar(&e.skip, "skip", nil, "checks that are left out")
	cmd.Flags().BoolVar(&e.json, "json", false, "write JSON for scripts")
	return cmd
}

type examination struct {
	gate   client
	backup string
	skip   []string
	json   bool
}

func (e *examination) run(cmd *cobra.Command, _ []string) error {
	address, err := e.gate.where()
	if err != nil {
		return exit(cmd, exitNotExamined, err)
	}
	look := survey.Survey{
		Ask: e.gate.get, Admin: address, Backup: e.backup,
		Outward: ipaddr.Outward(), TCPAdmin: survey.DefaultTCPAdmin,
	}
	deployment, err := look.Look()
	if err != nil {
		return exit(cmd, exitNotExamined, err)
	}
	results, err := doctor.Examine(deployment, e.skip)
	if err != nil {
		return exit(cmd, exitNotExamined, err)
	}
	failed := doctor.Count(results, doctor.Failed)
	if e.json {
		err = json.NewEncoder(cmd.OutOrStdout()).Encode(struct {
			OK     bool            `json:"ok"`
			Checks []doctor.Result `json:"checks"`
		}{failed == 0, results})
	} else {
		err = doctor.Write(cmd.OutOrStdout(), results)
	}
	if err == nil && failed > 0 {
		return exit(cmd, exitUnhealthy, errors.New("something of the deployment is not as it should be"))
	}
	return err
}
