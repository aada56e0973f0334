package gate

import (
	"bytes"
	"errors"
	"fmt"
	"io"
	"net/http"
	"sync"
	"time"

	"github.com/gatehouse-dev/caddy-gatehouse/events"
)

// Some of what clients send has to be read to its end before any of it may go
// on: the packets of a socket, the body in which a key names its agents, the
// beginning of one that is looked at for attacks. A client
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
	// What there is of it, in bytes: of what is read to its end, and of the
	// beginning of a body that is not passed on yet.
	whole, begin int
}

// Holds has the gate hold that many bytes of the request from now on, in place of
// those that it held before. It returns a refusal if they are too many; the
// request is to be ended then, which gives them all back.
func (req *Request) Holds(bytes int) *Refusal { return req.holds(&req.held.whole, bytes) }

// holds is Holds for one part of what there is.
func (req *Request) holds(part *int, bytes int) *Refusal {
	h := &req.held
	h.mu.Lock()
	defer h.mu.Unlock()
	beyond := max(0, h.whole+h.begin-*part+bytes-freelyHeld)
	if beyond == h.n {
		*part = bytes
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
	h.n, *part = beyond, bytes
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

// ReadAll reads r's body, which goes on only when all of it has come, and puts it
// back: up to a length of max bytes and one more, by which the caller can tell
// that it is longer and to be refused. Its errors are those of the body and, where
// the gate holds too much already, a *Refusal. The bytes are the request's until
// it is over.
func (req *Request) ReadAll(r *http.Request, max int) ([]byte, error) {
	all, err := readAll(io.LimitReader(r.Body, int64(max)+1), req.Holds)
	if err != nil {
		return nil, err
	}
	r.Body = struct {
		io.Reader
		io.Closer
	}{bytes.NewReader(all), r.Body}
	return all, nil
}

// readAll reads to the end, or to an error, and says what it holds meanwhile.
func readAll(from io.Reader, holds func(int) *Refusal) ([]byte, error) {
	all := make([]byte, 0, 512)
	for {
		if len(all) == cap(all) {
			more := append(all, 0)
			if refusal := holds(cap(more)); refusal != nil {
				return nil, refusal
			}
			all = more[:len(all)]
		}
		n, err := from.Read(all[len(all):cap(all)])
		all = all[:len(all)+n]
		if err == io.EOF {
			return all, nil
		}
		if err != nil {
			return all, err
		}
	}
}

// Peek reads the beginning of r's body, up to a length of max bytes, and puts it
// back: whoever reads the body gets all of it, an error too at its place. What it
// returns is of use until then. It waits until so much has come, and is a
// *Refusal where the gate holds too much already; its other errors are those of
// the body and are met by whoever reads that.
func (req *Request) Peek(r *http.Request, max int) ([]byte, *Refusal) {
	holds := func(bytes int) *Refusal { return req.holds(&req.held.begin, bytes) }
	begin, err := readAll(io.LimitReader(r.Body, int64(max)), holds)
	if refusal, ok := errors.AsType[*Refusal](err); ok {
		return nil, refusal
	}
	r.Body = &replayed{Closer: r.Body, begin: begin, body: r.Body, err: err, passedOn: func() { holds(0) }}
	return begin, nil
}

// replayed is a body whose beginning has been read.
type replayed struct {
	io.Closer
	begin    []byte
	body     io.Reader
	err      error // at which its beginning ended
	passedOn func()
}

func (b *replayed) Read(p []byte) (int, error) {
	if len(b.begin) > 0 {
		n := copy(p, b.begin)
		if b.begin = b.begin[n:]; len(b.begin) == 0 {
			b.begin = nil
			b.passedOn()
		}
		return n, nil
	}
	if b.err != nil {
		return 0, b.err
	}
	return b.body.Read(p)
}
