package gate

import (
	"os"
	"strings"
)

// Go's servers listen on sockets of MPTCP unless they are told not to, and to
// those no connection can be led (see steer). The variable is looked at whenever a
// socket is opened, and is the only way to tell them: Caddy opens the sockets.
// What the operator has set stands.
func init() {
	const setting = "multipathtcp="
	told := os.Getenv("GODEBUG")
	if strings.Contains(told, setting) {
		return
	}
	if told != "" {
		told += ","
	}
	_ = os.Setenv("GODEBUG", told+setting+"0") // it fails for impossible names alone
}
