package house

import (
	"os"
	"os/exec"
	"path/filepath"
	"testing"
)

// Fail2ban is a real fail2ban server of a test's own. Its output is its log:
// wait for "[jail] Ban 192.0.2.1" in it.
type Fail2ban struct {
	*Process
	args []string
}

// jailLocal keeps the server's hands off the machine's firewall: a ban is an
// entry in the log and nothing else.
const jailLocal = `[DEFAULT]
banaction = note
banaction_allports = note
`

const fail2banServerLocal = `[Definition]
dbfile = None
`

const noteAction = `[Definition]
actionstart =
actionstop =
actioncheck =
actionban = true
actionunban = true
`

// StartFail2ban starts a fail2ban server with the distribution's configuration
// and the given files over it, named as below /etc/fail2ban, such as
// jail.d/gatehouse.conf and filter.d/gatehouse.conf. No jail of the
// distribution's is on.
func StartFail2ban(t testing.TB, files map[string]string) *Fail2ban {
	t.Helper()
	server := program(t, "fail2ban-server", "fail2ban")
	dir := tempDir(t)
	config := filepath.Join(dir, "config")
	if err := os.CopyFS(config, os.DirFS("/etc/fail2ban")); err != nil {
		t.Fatal(err)
	}
	if err := os.RemoveAll(filepath.Join(config, "jail.d")); err != nil {
		t.Fatal(err)
	}
	writeFile(t, config, "fail2ban.local", fail2banServerLocal)
	writeFile(t, config, "jail.local", jailLocal)
	writeFile(t, config, "action.d/note.conf", noteAction)
	for name, content := range files {
		writeFile(t, config, name, content)
	}
	args := []string{
		"-c", config, "-s", filepath.Join(dir, "sock"), "-p", filepath.Join(dir, "pid"),
		"--logtarget", "STDOUT",
	}
	f := &Fail2ban{
		Process: run(t, "fail2ban", exec.Command(server, append([]string{"-f", "-x"}, append(args, "start")...)...)),
		args:    args,
	}
	f.WaitFor(t, "Server ready")
	return f
}

// Client runs a command of fail2ban-client, such as "status", "gatehouse".
func (f *Fail2ban) Client(t testing.TB, command ...string) string {
	t.Helper()
	path := program(t, "fail2ban-client", "fail2ban")
	out, err := output(exec.CommandContext(t.Context(), path, append(f.args[:len(f.args):len(f.args)], command...)...))
	if err != nil {
		t.Fatal(err)
	}
	return out
}
