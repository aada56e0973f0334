package securitylog

import (
	"errors"
	"fmt"
	"slices"
	"strings"

	"github.com/gatehouse-dev/caddy-gatehouse/events"
	"github.com/gatehouse-dev/caddy-gatehouse/securitylog/detect"
)

// all stands for every class in the configuration.
const all = "all"

// names are the events of the classes.
var names = map[detect.Class]events.Name{
	detect.UA:        events.AttackTool,
	detect.Log4Shell: events.AttackLog4Shell,
	detect.XXE:       events.AttackXXE,
	detect.CRLF:      events.AttackCRLF,
	detect.XSS:       events.AttackXSS,
	detect.JS:        events.AttackJS,
	detect.SQLi:      events.AttackSQLi,
	detect.NoSQLi:    events.AttackNoSQLi,
	detect.SSTI:      events.AttackSSTI,
	detect.CmdI:      events.AttackCmdI,
	detect.Traversal: events.AttackTraversal,
	detect.LFI:       events.AttackLFI,
	detect.RFI:       events.AttackRFI,
}

// message is the event's message but for the client's address, in the words of
// ElizaOS' documents.
func message(c detect.Class) string {
	if c == detect.UA {
		return "[SECURITY] " + c.Title() + " from"
	}
	return "[SECURITY] " + c.Title() + " detected from"
}

// maxRules is how many findings an event lists: a hostile request can show
// patterns in any number of places.
const maxRules = 8

// rules says which rules matched and where: "sqli-union in query id,
// traversal-dots in path". There is no payload in it.
func rules(found detect.Findings) string {
	var b strings.Builder
	for i, f := range found {
		if i > 0 {
			b.WriteString(", ")
		}
		if i == maxRules {
			fmt.Fprintf(&b, "and %d more", len(found)-i)
			break
		}
		b.WriteString(f.Rule + " in " + f.Where.String())
		if f.Name != "" {
			b.WriteString(" " + f.Name)
		}
	}
	return b.String()
}

// classes are the classes that are detected, and those of them that are blocked.
type classes struct{ detect, block detect.Set }

// chosen reads the lists of classes in the configuration.
func chosen(detected, blocked []string) (classes, error) {
	c := classes{detect: detect.All}
	var err error
	if len(detected) > 0 {
		if c.detect, err = classSet(detected); err != nil {
			return c, fmt.Errorf("detect: %w", err)
		}
	}
	if slices.Equal(blocked, []string{all}) {
		c.block = c.detect
		return c, nil
	}
	if c.block, err = classSet(blocked); err != nil {
		return c, fmt.Errorf("block: %w", err)
	}
	for _, class := range detect.Classes() {
		if c.block.Has(class) && !c.detect.Has(class) {
			return c, fmt.Errorf("block: %s is not among the classes of detect, so it would never be seen: add it there", class)
		}
	}
	return c, nil
}

// classSet reads a list of classes.
func classSet(list []string) (detect.Set, error) {
	var set detect.Set
	for _, name := range list {
		if name == all {
			if len(list) > 1 {
				return 0, errors.New("all stands alone: it is every class")
			}
			return detect.All, nil
		}
		class, err := detect.ParseClass(name)
		if err != nil {
			return 0, err
		}
		if set.Has(class) {
			return 0, fmt.Errorf("%s is there twice", name)
		}
		set |= detect.Of(class)
	}
	return set, nil
}
