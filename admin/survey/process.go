package survey

import (
	"net"
	"os"
	"path/filepath"
	"strconv"
	"strings"

	"github.com/gatehouse-dev/caddy-gatehouse/admin/doctor"
	"github.com/gatehouse-dev/caddy-gatehouse/gate"
	"github.com/gatehouse-dev/caddy-gatehouse/gate/dotenv"
)

// asked are the variables that checks ask for.
var asked = []string{"NODE_ENV", "SERVER_HOST", "EXPRESS_MAX_PAYLOAD"}

// environment is what the backend runs with: its process' environment and the
// .env in its folder. Where they cannot be read, it is what the gate was given,
// which is told to read the same file.
func (s *Survey) environment(p gate.Portrait, backends []doctor.Backend) doctor.Environment {
	e := doctor.Environment{Values: make(map[string]string)}
	var sources []string
	add := func(source string, value func(string) string) {
		sources = append(sources, source)
		for _, name := range asked {
			if e.Values[name] == "" {
				e.Values[name] = value(name)
			}
		}
	}
	for _, pid := range processesOf(backends) {
		if text, err := os.ReadFile(filepath.Join("/proc", pid, "environ")); err == nil {
			add("process "+pid, func(name string) string { return valueIn(string(text), name) })
		}
		if path, text := dotenvOf(pid); path != "" {
			values := dotenv.Parse(text)
			add(path, func(name string) string { return values[name] })
		}
	}
	if len(sources) == 0 && (len(p.EnvFiles) > 0 || len(p.Environment) > 0) {
		source := "the gate's environment"
		if len(p.EnvFiles) > 0 {
			source = p.EnvFiles[0].Path
		}
		add(source, func(name string) string { return p.Environment[name] })
	}
	e.Source = strings.Join(sources, ", ")
	for name, value := range e.Values {
		if value == "" {
			delete(e.Values, name)
		}
	}
	return e
}

// valueIn finds a variable among the strings of /proc/<pid>/environ.
func valueIn(environ, name string) string {
	for pair := range strings.SplitSeq(environ, "\x00") {
		if value, ok := strings.CutPrefix(pair, name+"="); ok {
			return value
		}
	}
	return ""
}

// processesOf are those that listen where the backends are, without this one.
// Only root, and the user that they run as, can see it.
func processesOf(backends []doctor.Backend) []string {
	inodes := make(map[string]bool)
	for _, l := range listeners() {
		for _, b := range backends {
			if _, port, err := net.SplitHostPort(b.Address); err == nil && b.Local && l.port() == port {
				inodes["socket:["+l.inode+"]"] = true
			}
		}
	}
	if len(inodes) == 0 {
		return nil
	}
	var found []string
	folders, _ := filepath.Glob("/proc/[0-9]*/fd")
	for _, folder := range folders {
		pid := filepath.Base(filepath.Dir(folder))
		if pid == strconv.Itoa(os.Getpid()) {
			continue
		}
		files, err := os.ReadDir(folder)
		if err != nil {
			continue // another user's
		}
		for _, file := range files {
			if target, err := os.Readlink(filepath.Join(folder, file.Name())); err == nil && inodes[target] {
				found = append(found, pid)
				break
			}
		}
	}
	return found
}

// dotenvOf finds the .env that a process reads: ElizaOS looks for it from its
// folder upwards.
func dotenvOf(pid string) (path, text string) {
	folder, err := os.Readlink(filepath.Join("/proc", pid, "cwd"))
	if err != nil {
		return "", ""
	}
	for {
		path = filepath.Join(folder, ".env")
		if content, err := os.ReadFile(path); err == nil {
			return path, string(content)
		}
		above := filepath.Dir(folder)
		if above == folder {
			return "", ""
		}
		folder = above
	}
}
