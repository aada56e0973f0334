package auth_test

import (
	"testing"

	"github.com/gatehouse-dev/caddy-gatehouse/gatetest"
)

const site = `
GATE {
	agent_auth {
		key ada {env.ADA_KEY} {
			scopes read
		}
		public /healthz
		require read /read/*
		require admin /admin/*
	}
	reverse_proxy BACKEND {
		transport agent_backend
	}
}
`

func TestDecisions(t *testing.T) {
	t.Setenv("ADA_KEY", "a-key-for-the-tests-of-ada")
	g := gatetest.Start(t, site)
	res := g.Get("/read/x", "X-API-KEY", "a-key-for-the-tests-of-ada")
	if res.Status != 200 {
		t.Fatalf("%+v %s", res, g.Log())
	}
	res = g.Get("/admin/x", "X-API-KEY", "a-key-for-the-tests-of-ada")
	if res.Status != 403 {
		t.Fatalf("%+v %s", res, g.Log())
	}
}
