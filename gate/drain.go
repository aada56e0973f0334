package gate

import (
	"net/http"
	"sync"
	"time"

	"github.com/caddyserver/caddy/v2"
	"github.com/caddyserver/caddy/v2/modules/caddyhttp"
	"go.uber.org/zap"
)

// When the process is to stop, Caddy waits for requests to end, for ever unless
// the operator has set a grace_period, and one client that listens to events
// never ends. So the gate ends what is left after a moment.

// drainAfter is how long requests may go on when the process is to stop. It is
// less than the ten seconds after which Docker kills a container.
const drainAfter = 5 * time.Second

// drainServers has the requests behind doors end when the servers shut down with
// the process. A server that shuts down for a reload leaves its requests alone.
func (a *App) drainServers(app *caddyhttp.App) {
	if app.GracePeriod > 0 {
		return // the operator has said how long
	}
	var once sync.Once
	for _, server := range app.Servers {
		server.RegisterOnShutdown(func() {
			if caddy.Exiting() {
				once.Do(a.drain)
			}
		})
	}
}

// drain ends what goes on, until the process has ended.
func (a *App) drain() {
	time.Sleep(drainAfter)
	for {
		if ended := a.streams.drain(); ended > 0 {
			a.logger.Info("the process stops: requests that went on were ended; `grace_period` in the global options says how long they may",
				zap.Int("requests", ended), zap.Duration("after", drainAfter))
		}
		time.Sleep(drainAgain)
	}
}

// drainAgain is how often requests are ended that have come since.
const drainAgain = time.Second / 2

// drain ends every request in flight.
func (s *Streams) drain() int {
	ended := 0
	for _, stream := range s.All() {
		refusal := &Refusal{Status: http.StatusServiceUnavailable, Code: "SHUTTING_DOWN", Message: "The server is shutting down"}
		if stream.end(refusal, "the process stops") {
			ended++
		}
	}
	return ended
}
