package doctor

import "strings"

// checkLog is item 7: "Set up monitoring for security events".
func checkLog(d *Deployment, r *Result) {
	const remedy = "write into the global options: log security { include gatehouse.security ; output file /var/log/gatehouse/security.log ; format agent_security }, each part on a line of its own"
	kept := 0
	for _, l := range d.Logs {
		switch {
		case l.Discards:
			continue
		case l.Level == "ERROR" || l.Level == "PANIC" || l.Level == "FATAL":
			r.warn("write `level INFO` in the log "+l.Name, "the log %s takes security events of the level %s alone: refusals are warnings", l.Name, l.Level)
			continue
		}
		kept++
		switch {
		case l.File == "" && !l.Own:
			r.warn(remedy, "security events go where everything else goes: %s (log %s)", l.Output, l.Name)
		case l.File == "":
			r.ok("security events go to %s (log %s)", l.Output, l.Name)
		case l.Unseen != "":
			r.warn("run the doctor as a user who may read it", "security events go to %s (log %s), which could not be looked at: %s", l.File, l.Name, l.Unseen)
		case !l.Grew:
			r.fail("look whether the disk is full, and whether the gate's user may write there", "nothing was written to %s (log %s) when a request was refused just now", l.File, l.Name)
		default:
			r.ok("security events go to %s (log %s): a request that was refused just now stands there", l.File, l.Name)
		}
	}
	if kept == 0 {
		names := make([]string, 0, len(d.Logs))
		for _, l := range d.Logs {
			names = append(names, l.Name)
		}
		saw := "no log takes security events"
		if len(names) > 0 {
			saw += " so that they could be read: " + strings.Join(names, ", ")
		}
		r.fail(remedy, "%s", saw)
	}
}
