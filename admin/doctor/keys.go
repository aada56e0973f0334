package doctor

import (
	"fmt"
	"time"
)

const (
	// weakBits is what no attacker can try through all of; a key that
	// `openssl rand -base64 32` makes has about 200 by the same measure.
	weakBits = 80
	// oldKey is when a key should have been rotated, ancientKey when nobody
	// can tell any more who has seen it.
	oldKey     = 90 * day
	ancientKey = 365 * day
	day        = 24 * time.Hour
)

// checkKeys is item 1: "Generate strong API key using cryptographic methods".
func checkKeys(d *Deployment, r *Result) {
	if f := d.KeyFile; f != nil {
		if f.Problem != "" {
			r.fail("mend it: `gatehouse key check --file "+f.Path+"` says what is wrong", "the key file %s cannot be used, the last good keys are in force: %s", f.Path, f.Problem)
		}
		if f.Loose != "" {
			r.warn("chmod 0600 "+f.Path, "%s", f.Loose)
		}
	}
	if len(d.Keys) == 0 {
		r.warn("`gatehouse key add <id> --scope read,chat --for 90d` makes one", "there is no key: only what is open to everybody works")
	}
	for _, k := range d.Keys {
		remedy := "`openssl rand -base64 32` makes another one: put it into the place of the old one"
		if k.Variable != "" {
			remedy += " in " + k.Variable
		}
		if k.Rotate {
			remedy = "gatehouse key rotate " + k.ID
			if d.KeyFile != nil {
				remedy += " --file " + d.KeyFile.Path
			}
		}
		who := fmt.Sprintf("the key %s (%s)", k.ID, k.Place)
		if k.Bits > 0 && k.Bits < weakBits {
			r.fail(remedy, "%s is weak: about %d bits of chance, %d are little", who, k.Bits, weakBits)
		}
		if k.IsBackends {
			r.warn("set ELIZA_API_KEY to a key of the clients' own: `openssl rand -base64 32`",
				"%s is the backend's own: who has it needs no gate, and it cannot be changed without the backend", who)
		}
		for _, scope := range k.Unasked {
			r.warn("give it a scope that a rule asks for, or take this one out", "%s has the scope %s, which no rule asks for: it gives nothing", who, scope)
		}
		checkAge(d, k, who, remedy, r)
	}
}

func checkAge(d *Deployment, k Key, who, remedy string, r *Result) {
	made, atLeast := k.Created, ""
	if made.IsZero() && !k.File.Changed.IsZero() {
		// What stands in a file is at least as old as the file.
		made, atLeast = k.File.Changed, "at least "
	}
	age := d.Now.Sub(made)
	switch {
	case made.IsZero():
		r.ok("%s: nobody knows its age", who)
	case age > ancientKey:
		r.fail(remedy, "%s is %s%s old", who, atLeast, days(age))
	case age > oldKey:
		r.warn(remedy, "%s is %s%s old", who, atLeast, days(age))
	case atLeast != "":
		r.ok("%s is read from %s, which was written %s ago", who, k.File.Path, days(age))
	default:
		r.ok("%s is %s old", who, days(age))
	}
}

func days(age time.Duration) string {
	switch n := int(age / day); n {
	case 0:
		return "less than a day"
	case 1:
		return "a day"
	default:
		return fmt.Sprintf("%d days", n)
	}
}
