package admin

import (
	"encoding/json"
	"fmt"
	"regexp"
	"slices"
	"strings"
	"sync"

	"github.com/gatehouse-dev/caddy-gatehouse/events/places"
	"github.com/spf13/cobra"
)

// Caddy's commands write the error of a configuration as one line of the log:
// first the way through its modules down to the one that refuses, then what that
// says, with all mistakes in a row. Behind it, people get the mistakes alone,
// each in a line that begins with its place. The error of a reload is from the
// gate that runs, which has got JSON and names lines by their words; their places
// are known here, where the Caddyfile was read.

// configuring are those commands.
var configuring = []string{"run", "validate", "reload", "adapt"}

// tellMistakes has Caddy's commands say what of a configuration is wrong. own is
// the command of ours; the others are there when one of them is about to run.
func tellMistakes(own *cobra.Command) {
	var once sync.Once
	cobra.OnInitialize(func() {
		once.Do(func() {
			for _, cmd := range own.Root().Commands() {
				if slices.Contains(configuring, cmd.Name()) && cmd.RunE != nil {
					cmd.RunE = tellingMistakes(cmd.RunE)
				}
			}
		})
	})
}

func tellingMistakes(run func(*cobra.Command, []string) error) func(*cobra.Command, []string) error {
	return func(cmd *cobra.Command, args []string) error {
		err := run(cmd, args)
		if err == nil {
			return nil
		}
		if mistakes := mistakesIn(err.Error()); len(mistakes) > 0 {
			fmt.Fprintf(cmd.ErrOrStderr(), "\nThe configuration is refused:\n  %s\n", strings.Join(mistakes, "\n  "))
		}
		return err
	}
}

var (
	// ofGate is what the admin endpoint answers to a reload.
	ofGate = regexp.MustCompile(`(?s)^.*caddy responded with error: HTTP \d+: (\{.*\})`)
	// toModule is Caddy's way to a module of ours.
	toModule = regexp.MustCompile(`^.*(?:provision \S*(?:agent_\w+|gatehouse\S*)|(?:agent_\w+|gatehouse\S*): invalid configuration|gatehouse app module: start): `)
	// toDirective is that of the Caddyfile's parser.
	toDirective = regexp.MustCompile(`^(?:.*adapting config using caddyfile: )?(?:parsing caddyfile tokens for '\w+': )+|^.*adapting config using caddyfile: `)
	// placeBehind is a mistake that the parser has found, and its place.
	placeBehind = regexp.MustCompile(`^(.*), at (\S+:\d+(?: \(line \d+ of [^)]*\))?)( \([^()]*(?:\([^()]*\)[^()]*)*\))?$`)
)

// mistakesIn are the mistakes that a command's error tells of a configuration,
// each with its place before it; none of any other error.
func mistakesIn(text string) (mistakes []string) {
	if answer := ofGate.FindStringSubmatch(text); answer != nil {
		var told struct{ Error string }
		if json.Unmarshal([]byte(answer[1]), &told) == nil {
			text = told.Error
		}
	}
	switch {
	case toModule.MatchString(text):
		text = toModule.ReplaceAllString(text, "")
	case toDirective.MatchString(text):
		text = toDirective.ReplaceAllString(text, "")
	default:
		return nil
	}
	for line := range strings.SplitSeq(places.Fill(text), "\n") {
		mistakes = append(mistakes, placeBehind.ReplaceAllString(line, "$2: $1$3"))
	}
	return mistakes
}
