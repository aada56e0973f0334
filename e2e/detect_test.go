package e2e_test

import (
	"testing"

	"github.com/gatehouse-dev/caddy-gatehouse/e2e/house"
)

// TestDetectCommand holds that `gatehouse detect` and `caddy gate detect` answer
// line for line, and print nothing besides.
func TestDetectCommand(t *testing.T) {
	const lines = `{"id":1,"target":"/a?id=1%27%20OR%20%271%27=%271"}` + "\n" + `{"id":2,"user_agent":"Mozilla/5.0"}` + "\n"
	const want = `{"id":1,"hit":true,"events":["sqli"]}` + "\n" + `{"id":2,"hit":false,"events":[]}` + "\n"
	for _, args := range [][]string{{"detect"}, {"gate", "detect"}} {
		if out, status := house.RunGate(t, house.GateConfig{}, lines, args...); status != 0 || out != want {
			t.Errorf("%v: %d\n%s", args, status, out)
		}
	}
	if _, status := house.RunGate(t, house.GateConfig{}, "", "detect", "file"); status == 0 {
		t.Error("an argument is taken")
	}
}
