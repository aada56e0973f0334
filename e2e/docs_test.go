package e2e_test

import (
	"fmt"
	"os"
	"path/filepath"
	"regexp"
	"strings"
	"testing"

	"github.com/gatehouse-dev/caddy-gatehouse/e2e/house"
)

// commandPages are the pages whose commands are run. README, CONTRIBUTING and
// the pages of examples/ have tests of their own.
var commandPages = []string{
	"authentication", "backup", "cors", "deployment", "error-responses", "rate-limiting", "security-best-practices",
	"security-headers", "security-overview",
}

// commandBlock is a block of commands: sh is run to its end, console shows
// commands behind "$ " and what they print. A block marked by-hand changes the
// machine, or needs what no test has.
var commandBlock = regexp.MustCompile("(?ms)^ *```(sh|console)( by-hand)?\n(.*?)^ *```$")

// TestDocsCommands runs the commands of the pages as they stand there, against
// a gate before a real server, and compares what they print.
func TestDocsCommands(t *testing.T) {
	stage := newStage(t)
	for _, page := range commandPages {
		text, err := os.ReadFile(filepath.Join(house.Root(), "docs", page+".md"))
		if err != nil {
			t.Error(err)
			continue
		}
		t.Run(page, func(t *testing.T) {
			ran := 0
			for _, block := range commandBlock.FindAllStringSubmatch(string(text), -1) {
				switch {
				case block[2] != "":
				case block[1] == "sh":
					ran++
					stage.run(t, block[3])
				default:
					for call := range strings.SplitSeq("\n"+block[3], "\n$ ") {
						command, want, _ := strings.Cut(strings.TrimSpace(call), "\n")
						if command == "" {
							continue
						}
						ran++
						stage.compare(t, command, want)
					}
				}
			}
			if ran == 0 && page != "deployment" {
				t.Error("the page shows no command that can be tried")
			}
		})
	}
}

// stage is what the pages' commands find: a gate, a key file, a log.
type stage struct {
	env   []string
	paths *strings.Replacer
	dir   string
}

func newStage(t *testing.T) *stage {
	t.Helper()
	e := house.SharedElizaOS(t)
	dir := t.TempDir()
	for _, name := range []string{"etc/gatehouse", "var/lib/gatehouse", "var/log/gatehouse", "bin"} {
		if err := os.MkdirAll(filepath.Join(dir, name), 0o700); err != nil {
			t.Fatal(err)
		}
	}
	keys := filepath.Join(dir, "etc/gatehouse/keys.json")
	// The command's default is a file of the machine, not of the test.
	wrapper := fmt.Sprintf("#!/bin/sh\ncase \"$1 $*\" in\nkey\\ *--file*) ;;\nkey\\ *) set -- \"$@\" --file %s ;;\nesac\nexec %s \"$@\"\n", keys, house.GateBinary(t))
	if err := os.WriteFile(filepath.Join(dir, "bin/gatehouse"), []byte(wrapper), 0o700); err != nil {
		t.Fatal(err)
	}
	s := &stage{dir: dir, paths: strings.NewReplacer(
		"/etc/gatehouse", dir+"/etc/gatehouse", "/var/lib/gatehouse", dir+"/var/lib/gatehouse",
		"/var/log/gatehouse", dir+"/var/log/gatehouse", "tar -C / ", "tar -C "+dir+" ",
	)}
	s.env = []string{"PATH=" + dir + "/bin:" + os.Getenv("PATH"), "HOME=" + dir, "OLD_TOKEN=the-token-of-before-0123456789abcdef"}
	s.run(t, "gatehouse key add first --scope '*' 2>/dev/null")
	reader := strings.TrimSpace(s.run(t, "gatehouse key add reader --scope read 2>/dev/null"))

	g := house.StartGate(t, house.GateConfig{
		Env: []string{"ELIZA_SERVER_AUTH_TOKEN=" + e.Token, "ELIZA_API_KEY=" + clientKey, "CORS_ORIGIN=https://app.example.com"},
		Global: fmt.Sprintf("\tlog {\n\t\tformat agent\n\t}\n\tlog security {\n\t\tinclude gatehouse.security\n\t\toutput file %s\n\t\tformat agent_security\n\t}\n\tgatehouse {\n\t\tkeys %s\n\t}",
			filepath.Join(dir, "var/log/gatehouse/security.log"), keys),
		Sites: fmt.Sprintf("localhost {\n\tgatehouse elizaos 127.0.0.1:%d\n}", e.Port),
	})
	g.AwaitCertificate(t, "localhost", g.LocalCA())
	s.env = append(s.env,
		fmt.Sprintf("ELIZA_URL=https://localhost:%d", g.Config.HTTPSPort),
		fmt.Sprintf("ELIZA_HTTP_URL=http://localhost:%d", g.Config.HTTPPort),
		"ELIZA_API_KEY="+clientKey, "READ_KEY="+reader, "AGENT_ID="+e.AgentID, "CURL_CA_BUNDLE="+g.LocalCA())
	return s
}

// run runs a script of a page.
func (s *stage) run(t *testing.T, script string) string {
	t.Helper()
	return house.RunScript(t, "curl", "curl", "set -eu; cd "+s.dir+"\n"+s.paths.Replace(script), s.env...)
}

// compare runs a command of a page. In what it should print, "..." is anything.
func (s *stage) compare(t *testing.T, command, want string) {
	t.Helper()
	got := strings.TrimSpace(s.run(t, command))
	pattern := strings.ReplaceAll(regexp.QuoteMeta(strings.TrimSpace(want)), regexp.QuoteMeta("..."), ".*")
	if !regexp.MustCompile("^(?s:" + pattern + ")$").MatchString(got) {
		t.Errorf("%s\nprints\n%s\nand not\n%s", command, got, want)
	}
}
