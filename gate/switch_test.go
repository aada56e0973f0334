package gate_test

import (
	"strings"
	"testing"

	"github.com/gatehouse-dev/caddy-gatehouse/gatetest"
)

// TestUIOfNobody holds that a web UI which is switched on and is none is refused:
// whoever has written the line waits for pages.
func TestUIOfNobody(t *testing.T) {
	t.Setenv("KEY", "a-key-of-the-test-of-uis-0123456789")
	for word, refused := range map[string]bool{"on": true, "Yes": true, "{env.UI_OF_THE_TEST:true}": true, "off": false, "{env.UI_OF_THE_TEST}": false} {
		err := gatetest.New(t).Load("GATE {\ngatehouse api BACKEND {\nui " + word + "\nauth {\nkey ada {env.KEY}\n}\n}\n}")
		if (err != nil) != refused || refused && !strings.Contains(err.Error(), "nothing says which web UI the site has") {
			t.Errorf("ui %s: %v", word, err)
		}
	}
}
