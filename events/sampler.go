package events

import (
	"cmp"
	"net/netip"
	"slices"
	"sync"
	"time"
)

// A flood of requests makes a flood of events, and whoever sends it must not
// be able to fill the disk or to hold up other requests with the writing of
// lines. So within a window of a minute only the first events of a kind from
// one source are written, and only so many lines altogether. The others are
// counted, and at the window's end the log says how many there were.
const (
	sampleWindow = time.Minute
	// linesOfSource is how many events of one kind from one network are
	// written in a window. It is above what fail2ban's jail counts to.
	linesOfSource = 20
	// linesOfKey is the same of the audit trail and of one key there: whoever
	// tries doors by hand, or by a script that minds the limits, stands in it
	// with each of them.
	linesOfKey = 500
	// linesOfAll is how many events of requests are written in a window.
	linesOfAll = 3000
	// maxSources bounds how many sources are told apart in a window.
	maxSources = 10_000
	// maxSummaries is how many sources are summed up by a line of their own.
	maxSummaries = 100
)

// source is what is sampled by itself: the events of one kind, enforced or
// observed, of one network.
type source struct {
	name     Name
	enforced bool
	network  netip.Prefix
	key      string // the caller's, where keys are told apart
}

// tally is what a source has done within the window.
type tally struct {
	written, more int
	client        netip.Addr // the last one
	message       string     // of the first event
}

// clock is what a sampler knows of time.
type clock struct {
	now   func() time.Time
	after func(time.Duration, func()) (stop func() bool)
}

var systemClock = clock{
	now:   time.Now,
	after: func(d time.Duration, f func()) func() bool { return time.AfterFunc(d, f).Stop },
}

// sampler decides which events are written one by one. It is safe for
// concurrent use. Its memory is bounded by maxSources.
type sampler struct {
	clock clock
	// sum writes the summary of a window, outside the lock.
	sum func(summary)
	// lines is how many events of a source are written in a window.
	lines int
	// byKey tells the callers of one network apart by their keys.
	byKey bool

	mu      sync.Mutex
	open    bool // a window has begun
	closed  bool // for good
	stop    func() bool
	begun   time.Time
	written int
	sources map[source]*tally
	// strangers are the events, by name, of sources that were not told apart.
	strangers map[Name]int
}

// summary is what was not written one by one within a window.
type summary struct {
	span    time.Duration
	sources []sum
	// others are the events, by name, that no line of a source counts, and
	// otherSources how many sources they are from, those not told apart aside.
	others       map[Name]int
	otherSources int
	strangers    bool
}

type sum struct {
	source
	tally
}

func newSampler(c clock, sum func(summary)) *sampler {
	return &sampler{clock: c, sum: sum, lines: linesOfSource, sources: make(map[source]*tally)}
}

// admit reports whether an event of a request is written by itself. If not, it
// has been counted.
func (s *sampler) admit(e *Event) bool {
	s.mu.Lock()
	defer s.mu.Unlock()
	if s.closed {
		return true
	}
	if !s.open {
		s.open, s.begun = true, s.clock.now()
		s.stop = s.clock.after(sampleWindow, s.end)
	}
	key := source{name: e.Name, enforced: e.Enforced, network: NetworkOf(e.ClientIP)}
	if s.byKey {
		key.key = e.KeyID
	}
	t := s.sources[key]
	if t == nil {
		if len(s.sources) >= maxSources {
			return s.line() || s.countStranger(e.Name)
		}
		t = &tally{message: e.Message}
		s.sources[key] = t
	}
	t.client = e.ClientIP
	if t.written < s.lines && s.line() {
		t.written++
		return true
	}
	t.more++
	return false
}

// line takes one of the lines of the window.
func (s *sampler) line() bool {
	if s.written >= linesOfAll {
		return false
	}
	s.written++
	return true
}

// countStranger counts an event of a source that is not told apart: it is not
// written.
func (s *sampler) countStranger(name Name) bool {
	if s.strangers == nil {
		s.strangers = make(map[Name]int)
	}
	s.strangers[name]++
	return false
}

// NetworkOf is the unit in which addresses are told apart: an IPv4 address alone,
// and the /64 of an IPv6 address, which is what one customer is given. It is the
// zero Prefix where there is no address.
func NetworkOf(addr netip.Addr) netip.Prefix {
	bits := 32
	if addr.Is6() {
		bits = 64
	}
	network, err := addr.Prefix(bits)
	if err != nil {
		return netip.Prefix{}
	}
	return network
}

// end ends the window and sums it up.
func (s *sampler) end() {
	s.mu.Lock()
	if !s.open {
		s.mu.Unlock()
		return
	}
	result := summary{span: s.clock.now().Sub(s.begun), others: s.strangers, strangers: s.strangers != nil}
	for key, t := range s.sources {
		if t.more > 0 {
			result.sources = append(result.sources, sum{key, *t})
		}
	}
	s.open, s.written, s.strangers = false, 0, nil
	clear(s.sources)
	s.mu.Unlock()

	slices.SortFunc(result.sources, func(a, b sum) int {
		return cmp.Or(b.more-a.more, a.client.Compare(b.client), cmp.Compare(a.name, b.name))
	})
	if len(result.sources) > maxSummaries {
		if result.others == nil {
			result.others = make(map[Name]int)
		}
		for _, rest := range result.sources[maxSummaries:] {
			result.others[rest.name] += rest.more
			result.otherSources++
		}
		result.sources = result.sources[:maxSummaries]
	}
	s.sum(result)
}

// close sums up what has been counted. Every event after it is written.
func (s *sampler) close() {
	s.mu.Lock()
	s.closed = true
	if s.stop != nil {
		s.stop()
	}
	s.mu.Unlock()
	s.end()
}
