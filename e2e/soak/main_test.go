// Package soak_test lets things go wrong while the gate serves: reloads, key
// changes, faults of the backend and of the disk, hostile clients. Each test
// lasts a few seconds, or as long as asked for:
//
//	go test ./e2e/soak -soak 10m -timeout 2h
//
// With -full as many and as large uploads are sent as a server may get, and
// there are five times as many hostile clients.
package soak_test

import (
	"flag"
	"fmt"
	"os"
	"testing"
	"time"

	"github.com/gatehouse-dev/caddy-gatehouse/e2e/house"
)

var soak = flag.Duration("soak", 5*time.Second, "how long each load lasts")

func TestMain(m *testing.M) {
	if order, hostile := os.LookupEnv(attackerEnv); hostile {
		if err := attack(order); err != nil {
			fmt.Fprintln(os.Stderr, err)
			os.Exit(1)
		}
		return
	}
	os.Exit(house.Main(m))
}
