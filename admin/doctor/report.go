package doctor

import (
	"fmt"
	"io"
	"strings"
)

// Write writes the results for people: one line for each thing that was seen,
// and below it what to do.
func Write(w io.Writer, results []Result) error {
	var b strings.Builder
	for _, r := range results {
		if r.Status == Skipped {
			fmt.Fprintf(&b, "%-8s %-12s %s\n", Skipped, r.Check, "not looked at")
		}
		for _, f := range r.Found {
			fmt.Fprintf(&b, "%-8s %-12s %s\n", f.Status, r.Check, f.Saw)
			if f.Remedy != "" {
				fmt.Fprintf(&b, "%-21s -> %s\n", "", f.Remedy)
			}
		}
	}
	fmt.Fprintf(&b, "%d checks: %d ok, %d with warnings, %d failed", len(results), Count(results, OK), Count(results, Warning), Count(results, Failed))
	if skipped := Count(results, Skipped); skipped > 0 {
		fmt.Fprintf(&b, ", %d skipped", skipped)
	}
	_, err := fmt.Fprintln(w, b.String())
	return err
}
