package admin

import (
	"encoding/json"
	"errors"
	"fmt"
	"io/fs"
	"os"

	"github.com/gatehouse-dev/caddy-gatehouse/events"
	"github.com/gatehouse-dev/caddy-gatehouse/events/chain"
	"github.com/spf13/cobra"
)

// Exit codes of `gatehouse audit verify`.
const (
	exitDamaged    = 1
	exitUnreadable = 2
)

// auditCommand works on the audit trail.
func auditCommand() *cobra.Command {
	cmd := &cobra.Command{
		Use:   "audit",
		Short: "Verifies the audit trail",
	}
	var verify auditVerify
	sub := &cobra.Command{
		Use:   "verify <file>...",
		Short: "Finds lines of the audit trail that were changed, taken out or moved",
		Long: `
Reads the audit trail that the global option "audit <path>" of gatehouse names,
and tells each line that is not what was written, with its number. Files that
were moved away are given first, in their order.

That lines were cut off at the end tells the file beside the trail whose name
ends in .head. Whoever can write both can write another trail that fits: keep a
head elsewhere (each run prints it) and give it with --head.

Exit codes: 0, nothing is wrong; 1, the trail was changed; 2, it cannot be read.
`,
		Example: `  gatehouse audit verify /var/log/gatehouse/audit.log
  gatehouse audit verify audit.log.1 audit.log --head 1204:9f86d0...`,
		Args: cobra.MinimumNArgs(1),
		RunE: verify.run,
	}
	sub.Flags().StringVar(&verify.head, "head", "", "a head of before, as <number>:<hash>, that the trail has to have")
	sub.Flags().BoolVar(&verify.json, "json", false, "write JSON for scripts")
	onlyHolds(cmd)
	cmd.AddCommand(sub)
	return cmd
}

type auditVerify struct {
	head string
	json bool
}

func (a *auditVerify) run(cmd *cobra.Command, files []string) error {
	var v chain.Verifier
	if a.head != "" {
		head, err := chain.ParseHead(a.head)
		if err != nil {
			return exit(cmd, exitUnreadable, fmt.Errorf("--head: %w", err))
		}
		v.Expect(head)
	}
	// Before the trail: a gate that runs goes on writing, and the head last.
	last := files[len(files)-1]
	head, err := chain.ReadHead(last)
	var headless *chain.Problem
	switch {
	case err == nil:
		v.Expect(head)
	case errors.Is(err, fs.ErrNotExist) && a.head == "" && isKept(last):
		headless = &chain.Problem{File: last, What: "nobody can tell whether lines were cut off here: there is no " +
			last + chain.HeadSuffix + ", though a gate keeps one; give a head that was kept elsewhere with --head"}
	case errors.Is(err, fs.ErrNotExist):
		fmt.Fprintf(cmd.ErrOrStderr(), "warning: there is no %s, so lines that were cut off at the end are not missed\n", last+chain.HeadSuffix)
	default:
		return exit(cmd, exitUnreadable, err)
	}
	for _, name := range files {
		if err := readTrail(&v, name); err != nil {
			return exit(cmd, exitUnreadable, err)
		}
	}
	v.Finish(last)
	if headless != nil {
		headless.Line = v.Lines + 1
		v.Problems = append(v.Problems, *headless)
	}
	return a.report(cmd, &v)
}

// isKept reports whether a trail lies where a gate keeps it, and is no copy:
// what the gate remembers of keys lies beside it.
func isKept(trail string) bool {
	_, err := os.Lstat(trail + events.MemorySuffix)
	return err == nil
}

func readTrail(v *chain.Verifier, name string) error {
	f, err := os.Open(name)
	if err != nil {
		return err
	}
	defer f.Close()
	return v.Read(name, f)
}

func (a *auditVerify) report(cmd *cobra.Command, v *chain.Verifier) error {
	out := cmd.OutOrStdout()
	if a.json {
		if v.Problems == nil {
			v.Problems = []chain.Problem{}
		}
		err := json.NewEncoder(out).Encode(struct {
			OK       bool            `json:"ok"`
			Lines    int             `json:"lines"`
			Head     chain.Head      `json:"head"`
			Problems []chain.Problem `json:"problems"`
		}{len(v.Problems) == 0, v.Lines, v.Last, v.Problems})
		if err != nil {
			return err
		}
	} else {
		for _, problem := range v.Problems {
			fmt.Fprintln(out, problem)
		}
		if len(v.Problems) == 0 {
			fmt.Fprintf(out, "%d lines, none changed, missing or moved; head %s\n", v.Lines, v.Last)
		}
	}
	if len(v.Problems) > 0 {
		return exit(cmd, exitDamaged, errors.New("the audit trail is not what was written"))
	}
	return nil
}
