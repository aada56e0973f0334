package elizaos

import (
	_ "embed"
	"strings"

	"github.com/gatehouse-dev/caddy-gatehouse/gate"
)

// pages.txt are the files of the web UI in @elizaos/server 1.7.2, without its
// index and the source maps.
//
//go:embed pages.txt
var pageFiles string

var pages = gate.Pages{
	Files: strings.Fields(pageFiles),
	Data:  []string{"/api", "/socket.io", "/media", "/healthz", "/health", "/.gatehouse"},
}
