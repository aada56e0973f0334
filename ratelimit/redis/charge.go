package redis

import (
	_ "embed"
	"fmt"
	"math/rand/v2"
	"strconv"
	"time"

	"github.com/gatehouse-dev/caddy-gatehouse/ratelimit/window"
	goredis "github.com/redis/go-redis/v9"
)

//go:embed decide.lua
var decideSource string

var decide = goredis.NewScript(decideSource)

// Charge is one tier that a request is to be counted in.
type Charge struct {
	// Tier and Client name the counters. A client is the same for all gates
	// under the same name.
	Tier, Client string
	// Limits hold all at once.
	Limits []window.Limit
	// Shadow lets the request pass: a tier without room is not charged.
	Shadow bool

	// Standing is filled in by the decision.
	Standing window.Standing

	receipts []receipt // one for each limit
}

// receipt is what is needed to give a charge back.
type receipt struct {
	slice, born string
	paid        bool
}

// slice is the length of a window's slices in microseconds.
func slice(w time.Duration) int64 {
	const perWindow = 64 * time.Microsecond
	return int64((w + perWindow - 1) / perWindow)
}

// keys of a Redis Cluster would have to lie on one node for one script, so all
// carry the same hash tag.
func (s *Store) key(c *Charge, l window.Limit) string {
	return fmt.Sprintf("{%s}:limit:%s:%d:%s", s.prefix, c.Tier, l.Window.Milliseconds(), c.Client)
}

func (s *Store) markerKey() string { return "{" + s.prefix + "}:marker" }

// call is one call of the script.
type call struct {
	keys []string
	args []any
	// counters are the charges and limits that the keys belong to. A counter
	// that occurs again, in a tier that is named twice, is not counted twice.
	counters []place
}

type place struct{ charge, limit, key int }

func (s *Store) call(mode string, charges []Charge) *call {
	c := &call{keys: []string{s.markerKey()}, args: []any{mode, newMarker()}}
	for i := range charges {
		charge := &charges[i]
		if len(charge.receipts) != len(charge.Limits) {
			charge.receipts = make([]receipt, len(charge.Limits))
		}
		for j, limit := range charge.Limits {
			key := s.key(charge, limit)
			at := c.find(key)
			if at < 0 {
				at = len(c.keys) - 1
				r := charge.receipts[j]
				c.keys = append(c.keys, key)
				c.args = append(c.args, limit.N, slice(limit.Window), i, flag(charge.Shadow), r.slice, r.born)
			}
			c.counters = append(c.counters, place{i, j, at})
		}
	}
	return c
}

func (c *call) find(key string) int {
	for i, known := range c.keys[1:] {
		if known == key {
			return i
		}
	}
	return -1
}

func flag(on bool) string {
	if on {
		return "1"
	}
	return "0"
}

// answer is what the script says of one counter.
type answer struct {
	used, room, retry, reset int64
	slice, born              string
}

const answerFields = 6

// read understands the script's answer.
func (c *call) read(reply []any) (admitted bool, marker string, answers []answer, err error) {
	wrong := func() (bool, string, []answer, error) {
		return false, "", nil, fmt.Errorf("the server answered the script with %d values that make no sense", len(reply))
	}
	if len(reply) != 2+answerFields*(len(c.keys)-1) {
		return wrong()
	}
	ok, isNumber := reply[0].(int64)
	marker, isText := reply[1].(string)
	if !isNumber || !isText {
		return wrong()
	}
	for i := 2; i < len(reply); i += answerFields {
		var a answer
		for j, into := range []*int64{&a.used, &a.room, &a.retry, &a.reset} {
			if *into, isNumber = reply[i+j].(int64); !isNumber {
				return wrong()
			}
		}
		for j, into := range []*string{&a.slice, &a.born} {
			if *into, isText = reply[i+4+j].(string); !isText {
				return wrong()
			}
		}
		answers = append(answers, a)
	}
	return ok == 1, marker, answers, nil
}

// fill puts the answers into the charges and names the refusal.
func (c *call) fill(charges []Charge, answers []answer, took, admitted bool) window.Verdict {
	v := window.Verdict{Admitted: admitted, Refusal: -1}
	for _, at := range c.counters {
		charge, a := &charges[at.charge], answers[at.key]
		limit := charge.Limits[at.limit]
		st := window.Standing{
			Limit:      limit.N,
			Window:     limit.Window,
			Remaining:  max(0, limit.N-int(a.used)),
			Reset:      time.Duration(a.reset) * time.Microsecond,
			RetryAfter: time.Duration(a.retry) * time.Microsecond,
			Exceeded:   a.room == 0,
		}
		if at.limit == 0 || st.Tighter(&charge.Standing) {
			charge.Standing = st
		}
		charge.receipts[at.limit] = receipt{a.slice, a.born, took && admitted && a.room == 1}
	}
	for i := range charges {
		if st := &charges[i].Standing; st.Exceeded && !charges[i].Shadow &&
			(v.Refusal < 0 || st.RetryAfter > charges[v.Refusal].Standing.RetryAfter) {
			v.Refusal = i
		}
	}
	return v
}

// newMarker is a value that no server has had before: one that has lost its
// memory gets another than it had, from whichever gate.
func newMarker() string { return strconv.FormatUint(rand.Uint64(), 36) }
