package events

import (
	"encoding/json"
	"fmt"
	"net/netip"
	"strings"
	"testing"
	"time"

	"github.com/caddyserver/caddy/v2"
	"github.com/stretchr/testify/require"
	"go.uber.org/zap"
	"go.uber.org/zap/zapcore"
	"pgregory.net/rapid"
)

// testClock stands still until it is told to go on.
type testClock struct {
	time time.Time
	due  time.Time
	run  func()
}

func (c *testClock) clock() clock {
	return clock{
		now: func() time.Time { return c.time },
		after: func(d time.Duration, f func()) func() bool {
			c.due, c.run = c.time.Add(d), f
			return func() bool { c.run = nil; return true }
		},
	}
}

func (c *testClock) pass(d time.Duration) {
	c.time = c.time.Add(d)
	if c.run != nil && !c.time.Before(c.due) {
		run := c.run
		c.run = nil
		run()
	}
}

// logged is a reporter whose log is read by the test.
func logged(t testing.TB, c clock) (*Reporter, *strings.Builder) {
	t.Helper()
	log := new(strings.Builder)
	core := zapcore.NewCore(zapcore.NewJSONEncoder(zap.NewProductionEncoderConfig()), zapcore.AddSync(log), zapcore.DebugLevel)
	return newReporter(caddy.Context{Context: t.Context()}, nil, zap.New(core), c), log
}

func refusalFrom(address string) Event {
	client := netip.MustParseAddr(address)
	return Event{
		Name: AuthnFail, Message: From("[SECURITY] Unauthorized access attempt from", client), Level: zapcore.WarnLevel,
		ClientIP: client, RequestID: "r", Enforced: true,
	}
}

// linesOf reads the lines of a JSON log.
func linesOf(t testing.TB, log *strings.Builder) (lines []map[string]any) {
	t.Helper()
	for text := range strings.Lines(log.String()) {
		var line map[string]any
		require.NoError(t, json.Unmarshal([]byte(text), &line), text)
		lines = append(lines, line)
	}
	return lines
}

// accounted is how many events a log tells of: its lines, and those that they
// sum up.
func accounted(lines []map[string]any) int {
	n := 0
	for _, line := range lines {
		if more, ok := line["more"].(float64); ok {
			n += int(more)
		} else {
			n++
		}
	}
	return n
}

func TestFloodFromOneSource(t *testing.T) {
	c := &testClock{time: time.Unix(1_700_000_000, 0)}
	r, log := logged(t, c.clock())
	details := 0
	for range 4812 + linesOfSource {
		r.Report(refusalFrom("203.0.113.9"), func(e *Event) { details++; e.URI = "/x" })
	}
	require.Len(t, linesOf(t, log), linesOfSource)
	require.Equal(t, linesOfSource, details, "details of what is not written were asked for")
	c.pass(sampleWindow)
	lines := linesOf(t, log)
	last := lines[len(lines)-1]
	require.Equal(t, "[SECURITY] Unauthorized access attempt from 203.0.113.9, and 4,812 more", last["msg"])
	require.Equal(t, "authn_login_fail", last["event"])
	require.EqualValues(t, 4812, last["more"])
	require.Equal(t, "203.0.113.9", last["client_ip"])
	require.Len(t, lines, linesOfSource+1)

	r.Report(refusalFrom("203.0.113.9"))
	require.Len(t, linesOf(t, log), linesOfSource+2, "the next window begins anew")
	c.pass(sampleWindow)
	require.Len(t, linesOf(t, log), linesOfSource+2, "nothing is summed up where nothing was left out")
}

func TestFloodFromManySources(t *testing.T) {
	const all, each = 10_000, 10
	c := &testClock{time: time.Unix(1_700_000_000, 0)}
	r, log := logged(t, c.clock())
	for range each {
		for i := range all {
			r.Report(refusalFrom(fmt.Sprintf("10.0.%d.%d", i>>8, i&255)))
		}
	}
	c.pass(sampleWindow)
	lines := linesOf(t, log)
	require.Equal(t, all*each, accounted(lines))
	require.Len(t, lines, linesOfAll+maxSummaries+1)
	last := lines[len(lines)-1]
	require.Equal(t, "sys_events_summed", last["event"])
	require.Contains(t, last["reason"], "9,900 further sources")
	require.Contains(t, last["reason"], "authn_login_fail")
	require.Less(t, log.Len(), 2<<20)
}

// TestSourcesAreBounded holds that what the sampler remembers does not grow
// with the number of sources, and that those beyond are counted.
func TestSourcesAreBounded(t *testing.T) {
	c := &testClock{time: time.Unix(1_700_000_000, 0)}
	r, log := logged(t, c.clock())
	const all = maxSources + 5000
	for i := range all {
		r.Report(refusalFrom(fmt.Sprintf("2001:db8:%x:%x::1", i>>8, i&255)))
	}
	require.Len(t, r.sampler.sources, maxSources)
	c.pass(sampleWindow)
	require.Empty(t, r.sampler.sources)
	lines := linesOf(t, log)
	require.Equal(t, all, accounted(lines))
	require.Contains(t, lines[len(lines)-1]["reason"], "not told apart")
}

// TestNeighboursAreOneSource holds that a /64 is counted as one, as limits do.
func TestNeighboursAreOneSource(t *testing.T) {
	c := &testClock{time: time.Unix(1_700_000_000, 0)}
	r, log := logged(t, c.clock())
	for i := range 100 {
		r.Report(refusalFrom(fmt.Sprintf("2001:db8::%x", i)))
	}
	require.Len(t, linesOf(t, log), linesOfSource)
	r.Close()
	lines := linesOf(t, log)
	require.Contains(t, lines[len(lines)-1]["reason"], "2001:db8::/64")
	require.Equal(t, 100, accounted(lines))
}

// TestEventsOfTheGateAreAlwaysWritten holds that no flood hides what happens
// to the gate itself.
func TestEventsOfTheGateAreAlwaysWritten(t *testing.T) {
	c := &testClock{time: time.Unix(1_700_000_000, 0)}
	r, log := logged(t, c.clock())
	for range 10 * linesOfSource {
		r.Report(refusalFrom("203.0.113.9"))
		r.Report(Event{Name: KeyRevoked, Message: "[SECURITY] Key revoked", KeyID: "ada", Enforced: true})
	}
	require.Equal(t, 10*linesOfSource, strings.Count(log.String(), "authn_token_revoked"))
}

// TestNothingIsSuppressedSilently holds for any course of events that the log
// accounts for each, and that the lines of a window are bounded.
func TestNothingIsSuppressedSilently(t *testing.T) {
	rapid.Check(t, func(rt *rapid.T) {
		c := &testClock{time: time.Unix(1_700_000_000, 0)}
		r, log := logged(t, c.clock())
		reported := 0
		for range rapid.IntRange(1, 40).Draw(rt, "steps") {
			e := refusalFrom(rapid.SampledFrom([]string{"192.0.2.1", "192.0.2.2", "2001:db8::1", "2001:db8::2", "2001:db8:1::1"}).Draw(rt, "client"))
			e.Name = rapid.SampledFrom([]Name{AuthnFail, AttackSQLi, RateLimited}).Draw(rt, "name")
			e.Enforced = rapid.Bool().Draw(rt, "enforced")
			for range rapid.IntRange(1, 50).Draw(rt, "times") {
				r.Report(e)
				reported++
			}
			c.pass(time.Duration(rapid.IntRange(0, 40).Draw(rt, "seconds")) * time.Second)
		}
		r.Close()
		if got := accounted(linesOf(t, log)); got != reported {
			rt.Fatalf("%d events, the log tells of %d", reported, got)
		}
	})
}

func BenchmarkReportOfAFlood(b *testing.B) {
	r, _ := logged(b, systemClock)
	e := refusalFrom("203.0.113.9")
	b.ReportAllocs()
	for b.Loop() {
		r.Report(e, func(e *Event) { e.URI = "/x" })
	}
	r.Close()
}
