// Package e2e_test runs the gate in front of the real programs that it is made
// for. See e2e/house for what they are and how to install them.
package e2e_test

import (
	"os"
	"testing"

	"github.com/gatehouse-dev/caddy-gatehouse/e2e/house"
)

func TestMain(m *testing.M) {
	if role := os.Getenv(roleVar); role != "" {
		roles[role](os.Getenv(addressVar))
		return
	}
	os.Exit(house.Main(m))
}
