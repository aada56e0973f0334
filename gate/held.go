package gate

import (
	"fmt"
	"io"
	"sync"
	"time"

	"github.com/gatehouse-dev/caddy-gatehouse/events"
)

// Some of what clients send has to be read to its end before any of it may go
// on: the packets of a socket, the body in which a key names its agents. A client
// that never comes to the end would have the gate hold what it has sent, and a
// few hundred such would have the process killed. So there is a bound for the
// process, of which one caller gets a part, and none for what is short: that
// costs less than the connection itself.

const (
	// maxHeld is how much the gate holds of what has not come to its end, in bytes.
	maxHeld = 128 << 20
	// heldByOne is the part of it that one caller gets.
	heldByOne = 4
	// freelyHeld is what each request may hold besides.
	freelyHeld = 16 << 10
)

// holdings are what the process holds, by caller.
type holdings struct {
	max int

	mu  sync.Mutex
	all int
	by  map[string]int
}

var processHoldings = newHoldings(maxHeld)

func newHoldings(max int) *holdings { return &holdings{max: max, by: make(map[string]int)} }

// change has a caller hold so much more, or less, and reports whether it may.
func (h *holdings) change(caller string, n int) bool {
	h.mu.Lock()
	defer h.mu.Unlock()
	if n > 0 && (h.all+n > h.max || h.by[caller]+n > h.max/heldByOne) {
		return false
	}
	h.all += n
	if h.by[caller] += n; h.by[caller] == 0 {
		delete(h.by, caller)
	}
	return true
}

// held is what is held of one request.
type held struct {
	mu     sync.Mutex
	caller string
	n      int // beyond what is free
	over   bool
}

// Holds has the gate hold that many bytes of the request from now on, in place of
// those that it held before. It returns a refusal if they are too many; the
// request is to be ended then, which gives them all back.
func (req *Request) Holds(bytes int) *Refusal {
	beyond := max(0, bytes-freelyHeld)
	h := &req.held
	h.mu.Lock()
	defer h.mu.Unlock()
	if beyond == h.n {
		return nil
	}
	if h.n == 0 {
		h.caller = req.caller()
	}
	if h.over || !processHoldings.change(h.caller, beyond-h.n) {
		return TooMany("RATE_LIMIT_EXCEEDED", "Too many requests. Please try again later.", time.Second, events.Event{
			Message: "[SECURITY] Concurrent rate limit exceeded for IP:", Endpoint: true, Tier: "unfinished",
			Reason: fmt.Sprintf("of what clients have not sent to its end the gate holds %d MiB, and %d MiB of one caller's", maxHeld>>20, maxHeld/heldByOne>>20),
		})
	}
	h.n = beyond
	return nil
}

// letGo gives back what is held of a request that is over.
func (req *Request) letGo() {
	h := &req.held
	h.mu.Lock()
	defer h.mu.Unlock()
	h.over = true
	if h.n > 0 {
		processHoldings.change(h.caller, -h.n)
		h.n = 0
	}
}

// caller is who is held to account: a key, one that many share from one network,
// or a stranger's network.
func (req *Request) caller() string {
	switch p := req.Principal; {
	case p == nil || p.Anonymous():
		return req.Network().String()
	case p.Shared:
		return p.KeyID + " " + req.Network().String()
	default:
		return p.KeyID
	}
}

// ReadAll reads a body that goes on only when all of it has come, up to a length
// of max bytes and one more, by which the caller can tell that it is longer. Its
// errors are those of the body and, where the gate holds too much already, a
// *Refusal. The bytes are the request's until it is over.
func (req *Request) ReadAll(body io.Reader, max int) ([]byte, error) {
	body = io.LimitReader(body, int64(max)+1)
	all := make([]byte, 0, 512)
	for {
		if len(all) == cap(all) {
			more := append(all, 0)
			if refusal := req.Holds(cap(more)); refusal != nil {
				return nil, refusal
			}
			all = more[:len(all)]
		}
		n, err := body.Read(all[len(all):cap(all)])
		all = all[:len(all)+n]
		if err == io.EOF {
			return all, nil
		}
		if err != nil {
			return nil, err
		}
	}
}
