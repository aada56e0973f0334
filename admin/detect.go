package admin

import (
	"github.com/gatehouse-dev/caddy-gatehouse/securitylog/detect"
	"github.com/spf13/cobra"
)

// detectCommand tells of lines of a log which carry an attack.
func detectCommand() *cobra.Command {
	return &cobra.Command{
		Use:   "detect",
		Short: "Tells which requests carry an attack",
		Long: `
Reads one JSON object a line from standard input and writes one a line, in
order: the classes of attacks that agent_security_log sees in it. With that, a
log can be tried before anything is blocked.

A line has the request's raw target, its User-Agent, its Referer, its body with
the content type, or several of them:

	{"id":1,"target":"/raw?uri"}
	{"id":2,"user_agent":"Mozilla/5.0"}
	{"id":3,"target":"/a","referer":"https://example.com/"}
	{"id":4,"content_type":"application/json","body":"{\"a\":1}"}

The id is any JSON value and is repeated in the answer. A line that cannot be
read is answered with an error, and the next one is read.
`,
		Example: `  echo '{"id":1,"target":"/a/../../etc/passwd"}' | gatehouse detect
  jq -c '{id: .ts, target: .request.uri}' access.log | gatehouse detect | grep '"hit":true'`,
		Args: cobra.NoArgs,
		RunE: func(cmd *cobra.Command, _ []string) error {
			return detect.Stream(cmd.InOrStdin(), cmd.OutOrStdout())
		},
	}
}
