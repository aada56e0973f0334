package admin

import (
	"bytes"
	"encoding/json"
	"errors"
	"fmt"
	"io"
	"net/http"
	"os"
	"strings"
	"time"

	"github.com/gatehouse-dev/caddy-gatehouse/gate"
	"github.com/spf13/cobra"
)

// Exit codes of `gatehouse explain`.
const (
	exitRefused  = 1
	exitNotAsked = 2
)

// explainCommand asks the gate that runs why a request is refused.
func explainCommand() *cobra.Command {
	e := new(explain)
	cmd := &cobra.Command{
		Use:   "explain <method> <url> | <request id>",
		Short: "Tells what becomes of a request, step by step, and why",
		Long: `
Asks the gate that runs. With a method and a URL, the request goes through its
handlers as any other would, but nothing is counted, reported or remembered, and
the backend is not asked. Printed is what each step finds out, which one refuses,
what would have to change, and when the request will pass.

With the id of a request that was refused (X-Request-Id), it prints why that was.
The last thousand are remembered.

With --config, or where a Caddyfile lies in this folder, it tells besides in
which lines of it the steps are written, and which line decided.

Exit codes: 0, the request passes; 1, it is refused; 2, the gate cannot be asked.
`,
		Example: `  gatehouse explain --key @ci.key GET https://agents.example.com/api/agents
  gatehouse explain --config /etc/gatehouse/Caddyfile 0b6f3f57-6ef2-4ea5-90b1-6b4de6c8a9b4`,
		Args: cobra.RangeArgs(1, 2),
		RunE: e.run,
	}
	e.gate.flags(cmd)
	cmd.Flags().StringVar(&e.key, "key", "", "the key to try, as @file or @- (standard input)")
	cmd.Flags().StringVar(&e.data, "data", "", "the body, as @file or @-")
	cmd.Flags().StringVar(&e.client, "client", "127.0.0.1", "the address that the request comes from")
	cmd.Flags().StringArrayVarP(&e.headers, "header", "H", nil, "a header, as 'Name: value'")
	cmd.Flags().BoolVar(&e.json, "json", false, "write JSON for scripts")
	return cmd
}

type explain struct {
	gate              client
	key, data, client string
	headers           []string
	json              bool
}

func (e *explain) run(cmd *cobra.Command, args []string) error {
	out := cmd.OutOrStdout()
	file, err := openCaddyfile(&e.gate)
	if err != nil {
		fmt.Fprintln(cmd.ErrOrStderr(), "No lines are shown, since the Caddyfile cannot be read:", err)
	}
	if len(args) == 1 {
		var told gate.Refused
		if err := e.gate.get("/gatehouse/refusals/"+args[0], &told); err != nil {
			return exit(cmd, exitNotAsked, err)
		}
		file.fillRefused(&told)
		if e.json {
			return json.NewEncoder(out).Encode(told)
		}
		fmt.Fprintf(out, "%s %s from %s, refused at %s\n", told.Method, told.URI, told.Client, told.Time.Format(time.RFC3339))
		writeRefused(out, &told)
		return nil
	}
	wanted, err := e.wanted(cmd, args[0], args[1])
	if err != nil {
		return exit(cmd, exitNotAsked, err)
	}
	body, err := json.Marshal(wanted)
	if err != nil {
		return err
	}
	var trial gate.Trial
	if err := e.gate.ask(http.MethodPost, "/gatehouse/explain", bytes.NewReader(body), &trial); err != nil {
		return exit(cmd, exitNotAsked, err)
	}
	file.fill(&trial)
	if e.json {
		err = json.NewEncoder(out).Encode(trial)
	} else {
		writeTrial(out, &trial)
	}
	if err == nil && trial.Refused != nil {
		return exit(cmd, exitRefused, errors.New("the request is refused"))
	}
	return err
}

func (e *explain) wanted(cmd *cobra.Command, method, url string) (w wantedTrial, err error) {
	w = wantedTrial{Method: strings.ToUpper(method), URL: url, Client: e.client, Header: make(http.Header)}
	for _, header := range e.headers {
		name, value, ok := strings.Cut(header, ":")
		if !ok {
			return w, fmt.Errorf("the header %q: write 'Name: value'", name)
		}
		w.Header.Add(strings.TrimSpace(name), strings.TrimSpace(value))
	}
	if e.key != "" {
		secret, err := fromFile(cmd, "--key", e.key)
		if err != nil {
			return w, err
		}
		w.Key = strings.TrimSpace(secret)
	}
	if e.data != "" {
		w.Body, err = fromFile(cmd, "--data", e.data)
	}
	return w, err
}

// fromFile reads what may not stand in a command line: from a file or standard input.
func fromFile(cmd *cobra.Command, flag, value string) (string, error) {
	name, ok := strings.CutPrefix(value, "@")
	if !ok {
		return "", fmt.Errorf("%s: write @file, or @- for standard input: other users of this machine can read command lines", flag)
	}
	in := cmd.InOrStdin()
	if name != "-" {
		f, err := os.Open(name)
		if err != nil {
			return "", err
		}
		defer f.Close()
		in = f
	}
	text, err := io.ReadAll(io.LimitReader(in, maxBody/2))
	return string(text), err
}

func writeTrial(out io.Writer, t *gate.Trial) {
	fmt.Fprintf(out, "%s from %s, at the server %s\n", t.Request, t.Client, t.Server)
	for _, step := range t.Steps {
		fmt.Fprintln(out, strings.TrimRight(fmt.Sprintf("  %-20s %-8s %s", step.Step, step.Outcome, step.Line), " "))
		for _, said := range step.Says {
			fmt.Fprintf(out, "      %s\n", said)
		}
	}
	if t.Refused != nil {
		writeRefused(out, t.Refused)
		return
	}
	fmt.Fprintln(out, t.Answer)
}

func writeRefused(out io.Writer, told *gate.Refused) {
	by := told.Step
	if by == "" {
		by = "a handler that is not the gate's"
	}
	fmt.Fprintf(out, "refused with %d %s by %s\n", told.Status, told.Code, by)
	for _, line := range []struct{ name, value string }{
		{"key", told.KeyID}, {"rule", told.Rule}, {"tier", told.Tier}, {"class", told.Class}, {"reason", told.Reason}, {"written", told.Line}, {"to pass", remedy(told)},
	} {
		if line.value != "" {
			fmt.Fprintf(out, "  %-9s%s\n", line.name+":", line.value)
		}
	}
}

// remedy says what would have to change.
func remedy(told *gate.Refused) string {
	scope, lacksScope := strings.CutPrefix(told.Rule, "scope ")
	switch {
	case !told.Passes.IsZero():
		return "wait until " + told.Passes.Format(time.RFC3339) + ", or raise the limit of the tier " + told.Tier
	case told.Status == http.StatusUnauthorized:
		return "present a key that is valid here; `gatehouse key list` shows those of the key file"
	case lacksScope:
		return "use a key that has the scope " + scope + ": `gatehouse key add <id> --scope " + scope + "` makes one"
	case told.Code == "AMBIGUOUS_CREDENTIALS":
		return "send one key: one of the two belongs to somebody else, or to another client"
	case told.Rule == "from":
		return "use the key from one of its networks, which `gatehouse key show " + told.KeyID + " --json` lists, or have its owner make one for this"
	case strings.HasPrefix(told.Rule, "cors"):
		return "name the origin in agent_cors (with the preset: in CORS_ORIGIN), if its pages are yours"
	case told.Status == http.StatusGatewayTimeout:
		return "find out why the backend takes so long; how long the gate waits says `response_header_timeout` in the block `backend`"
	case told.Status == http.StatusBadGateway || told.Status == http.StatusServiceUnavailable:
		return "start the backend, or correct its address; `gatehouse doctor` says where it listens"
	case told.Class != "":
		return "if it is no attack, take the class out of `block` in agent_security_log, or write `ignore " + strings.Fields(told.Class)[0] + " <matcher>`"
	case told.Status == http.StatusForbidden:
		return "what the reason says"
	case told.Status >= http.StatusBadRequest && told.Status < http.StatusInternalServerError:
		return "send it in the form that the reason asks for"
	}
	return ""
}
