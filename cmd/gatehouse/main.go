// Command gatehouse is Caddy with the gate for AI-agent backends built in,
// and mholt/caddy-ratelimit beside it.
//
// It is used like caddy. The gate's own commands, which are `caddy gate
// <command>` in any build, also stand without the word "gate" here.
package main

import (
	"fmt"
	"os"
	"slices"

	"github.com/caddyserver/caddy/v2"
	caddycmd "github.com/caddyserver/caddy/v2/cmd"
	_ "github.com/caddyserver/caddy/v2/modules/standard"
	_ "github.com/mholt/caddy-ratelimit"

	gatehouse "github.com/gatehouse-dev/caddy-gatehouse"
	"github.com/gatehouse-dev/caddy-gatehouse/admin"
)

func main() {
	if len(os.Args) > 1 {
		switch word := os.Args[1]; {
		case word == "version" || word == "--version":
			_, caddyVersion := caddy.Version()
			fmt.Printf("gatehouse %s\ncaddy %s\n", gatehouse.Version, caddyVersion)
			return
		case slices.Contains(admin.Words, word):
			os.Args = slices.Insert(os.Args, 1, admin.Command)
		}
	}
	caddycmd.Main()
}
