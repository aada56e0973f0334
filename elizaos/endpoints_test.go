package elizaos

import (
	"flag"
	"fmt"
	"os"
	"strings"
	"testing"
)

var update = flag.Bool("update", false, "write docs/endpoints.md anew")

const endpoints = "../docs/endpoints.md"

// TestEndpointsPage holds that docs/endpoints.md is the table.
func TestEndpointsPage(t *testing.T) {
	want := endpointsPage()
	if *update {
		if err := os.WriteFile(endpoints, []byte(want), 0o644); err != nil {
			t.Fatal(err)
		}
	}
	got, err := os.ReadFile(endpoints)
	if err != nil || string(got) != want {
		t.Errorf("%s is not what the table says (%v): go test ./elizaos -run TestEndpointsPage -update writes it anew", endpoints, err)
	}
}

func endpointsPage() string {
	var b strings.Builder
	b.WriteString(`# Endpoints of ElizaOS, and what each needs

The routes of @elizaos/server 1.7.2 as the preset ` + "`elizaos`" + ` knows them: the scope that a key needs for each, and the limits that count its
requests (see [rate limiting](rate-limiting.md)). ` + "`:x`" + ` stands for one segment, which has to be a UUID but for sessions and jobs, a last
` + "`*`" + ` for any rest. GET includes HEAD. ` + "`/agents`" + ` and everything below it is ` + "`/api/agents`" + `.
` + "`/healthz`" + ` is open without a key.

This page is made from the table in ` + "`elizaos/routes.go`" + `, which a test holds against the router of the real server: each has the routes
of the other, and no more.

| methods | path | scope | limits |
|---|---|---|---|
`)
	for _, r := range routes {
		methods, scope, tiers := r.methods, r.scope, strings.Join(r.tiers(), ", ")
		if methods == anyMethod {
			methods = "any other"
		}
		if scope == anyKey {
			scope = "any key"
		}
		fmt.Fprintf(&b, "| %s | `%s` | %s | %s |\n", methods, r.path, scope, tiers)
	}
	return b.String()
}
