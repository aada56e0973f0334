package e2e_test

import (
	"math/rand/v2"
	"os"
	"path/filepath"
	"strings"
	"testing"

	"github.com/caddyserver/caddy/v2/caddyconfig"
	"github.com/caddyserver/caddy/v2/caddyconfig/httpcaddyfile"
	"github.com/gatehouse-dev/caddy-gatehouse/e2e/house"
	"github.com/gatehouse-dev/caddy-gatehouse/gate"
)

// dotenvNames are the names that the files set. One is the end of another.
var dotenvNames = []string{"ELIZA_API_KEY", "ELIZA_SERVER_AUTH_TOKEN", "SERVER_API_KEY", "CORS_ORIGIN", "API_CORS_ORIGIN", "NODE_ENV"}

// trickyFiles are files as people write them, and as nobody should.
var trickyFiles = []string{
	"ELIZA_API_KEY=plain",
	"ELIZA_API_KEY=one\nELIZA_API_KEY=two",
	"ELIZA_API_KEY=one\r\nSERVER_API_KEY=two\r\n",
	"ELIZA_API_KEY=one\rSERVER_API_KEY=two",
	"\ufeffELIZA_API_KEY=after a byte order mark",
	"export ELIZA_API_KEY=exported",
	"  export   ELIZA_API_KEY  =  spaced  ",
	"\texport\tELIZA_API_KEY\t=\ttabs\t",
	"exportELIZA_API_KEY=x",
	"export\nELIZA_API_KEY=x",
	"ELIZA_API_KEY: yaml",
	"ELIZA_API_KEY:yaml",
	"ELIZA_API_KEY : yaml",
	"ELIZA_API_KEY=",
	"ELIZA_API_KEY=\nCORS_ORIGIN=https://a.example",
	"ELIZA_API_KEY= \nCORS_ORIGIN=x",
	"ELIZA_API_KEY",
	"# ELIZA_API_KEY=comment",
	"ELIZA_API_KEY=value # comment",
	"ELIZA_API_KEY=value#no space",
	"ELIZA_API_KEY=#all comment",
	`ELIZA_API_KEY="hash # inside" # outside`,
	`ELIZA_API_KEY='single "double" inside'`,
	`ELIZA_API_KEY="double 'single' inside"`,
	"ELIZA_API_KEY=`back 'single' \"double\"`",
	`ELIZA_API_KEY="line\nbreak"`,
	`ELIZA_API_KEY='line\nbreak'`,
	"ELIZA_API_KEY=`line\\nbreak`",
	`ELIZA_API_KEY=line\nbreak`,
	`ELIZA_API_KEY="carriage\rreturn\ttab"`,
	`ELIZA_API_KEY="back\\slash\\n"`,
	"ELIZA_API_KEY=\"two\nlines\"\nCORS_ORIGIN=x",
	"ELIZA_API_KEY='two\nlines'\nCORS_ORIGIN=x",
	"ELIZA_API_KEY=`two\nlines`\nCORS_ORIGIN=x",
	"ELIZA_API_KEY=\"-----BEGIN KEY-----\nabc=\n-----END KEY-----\"\nCORS_ORIGIN=x",
	"ELIZA_API_KEY=\"never closed\nCORS_ORIGIN=x",
	"ELIZA_API_KEY='never closed\nCORS_ORIGIN='x'",
	"ELIZA_API_KEY=\"closed\" behind\nCORS_ORIGIN=\"x\"",
	`ELIZA_API_KEY="escaped \" quote"`,
	`ELIZA_API_KEY="escaped at the end\"`,
	`ELIZA_API_KEY='it'\''s'`,
	`ELIZA_API_KEY=""`,
	`ELIZA_API_KEY=''`,
	"ELIZA_API_KEY=``",
	`ELIZA_API_KEY="`,
	`ELIZA_API_KEY='"`,
	`ELIZA_API_KEY=" spaces kept "`,
	`ELIZA_API_KEY=half"quoted"`,
	"ELIZA_API_KEY=$HOME ${SERVER_API_KEY} $(whoami)",
	`ELIZA_API_KEY="$HOME"`,
	"SERVER_API_KEY=one\nELIZA_API_KEY=${SERVER_API_KEY}",
	"ELIZA_API_KEY=Ym9iJ3MgbGl0dGxlIHNlY3JldA+/==",
	"ELIZA_API_KEY=a=b=c",
	"ELIZA_API_KEY==x",
	"ELIZA_API_KEY = = x",
	"ELIZA-API.KEY=x\nELIZA_API_KEY.=y\nELIZA_API_KEY=z",
	"1ELIZA_API_KEY=x",
	"not an assignment ELIZA_API_KEY=x\nSERVER_API_KEY=y",
	"CORS_ORIGIN=https://a.example,https://b.example",
	"CORS_ORIGIN=*",
	"NODE_ENV=production ELIZA_API_KEY=x",
	"ELIZA_API_KEY=x;SERVER_API_KEY=y",
	"ELIZA_API_KEY=\u00fcml\u00e4ut\u2028line separator",
	"ELIZA_API_KEY=\u00a0no-break\u00a0",
	"ELIZA_API_KEY=a\u0085b\u0085",
	"\n\n\n\tELIZA_API_KEY=x\n\n",
	"ELIZA_API_KEY=\"a\"\"b\"",
	"ELIZA_API_KEY=\"a\"#b",
	"ELIZA_API_KEY='a' 'b'",
	"ELIZA_API_KEY=\x00nul",
	"ELIZA_API_KEY=\n\"next line\"",
	"ELIZA_API_KEY= \n SERVER_API_KEY=x",
	"ELIZA_API_KEY:\n  x",
}

// randomFiles are assignments whose parts are put together at random.
func randomFiles(n int) []string {
	random := rand.New(rand.NewPCG(1, 2))
	one := func(of ...string) string { return of[random.IntN(len(of))] }
	files := make([]string, n)
	for i := range files {
		var b strings.Builder
		for range 1 + random.IntN(4) {
			b.WriteString(one("", "", "", " ", "export ", "export", "#", "x ", "\ufeff"))
			b.WriteString(one(dotenvNames...))
			b.WriteString(one("=", "=", "=", " = ", ": ", ":", " ", "= ", "=\n"))
			for range random.IntN(7) {
				b.WriteString(one(`"`, `"`, "'", "`", `\`, `\"`, `\n`, "#", " # ", " ", "\t", "\n", "x", "abc", "=", "$", "\u00a0", ",", "\u0085"))
			}
			b.WriteString(one("\n", "\n", "\n", "\r\n", "\r", ""))
		}
		files[i] = b.String()
	}
	return files
}

// The gate reads a .env as Node's dotenv does, which reads it for the backend:
// a difference would be a key that one of the two does not know.
func TestDotenv(t *testing.T) {
	for _, name := range dotenvNames {
		t.Setenv(name, "")
	}
	files := append(trickyFiles, randomFiles(3000)...)
	path := filepath.Join(t.TempDir(), ".env")
	option := httpcaddyfile.App{Name: "gatehouse", Value: caddyconfig.JSON(gate.App{EnvFile: []string{path}}, nil)}
	set := 0
	for i, theirs := range house.Dotenv(t, files) {
		if err := os.WriteFile(path, []byte(files[i]), 0o600); err != nil {
			t.Fatal(err)
		}
		for _, name := range dotenvNames {
			ours, err := gate.AdaptedEnv(option, name)
			if err != nil {
				t.Fatal(err)
			}
			if ours != theirs[name] {
				t.Errorf("%q: %s is %q to dotenv, %q to the gate", files[i], name, theirs[name], ours)
			}
			if ours != "" {
				set++
			}
		}
	}
	if set < len(trickyFiles) {
		t.Errorf("only %d variables were set", set)
	}
	t.Logf("%d files, %d of them written by hand, set %d variables alike", len(files), len(trickyFiles), set)
}
