package backend

import (
	"errors"
	"io"
	"net"
	"net/http"
	"slices"
	"strings"
	"testing"
	"time"

	"pgregory.net/rapid"
)

func newSources(now *time.Time) *sources {
	return &sources{now: func() time.Time { return *now }, next: lastSource - 2, pools: make(map[poolKey]*pool)}
}

var agent = poolKey{upstream: "127.0.0.1:3000"}

// TestShares holds that no source carries more than its shares in any window,
// wherever that begins, and that each is one request's at a time.
func TestShares(t *testing.T) {
	rapid.Check(t, func(t *rapid.T) {
		now := time.Unix(1_000_000, 0)
		s := newSources(&now)
		shares := []Share{{Requests: 5}, {Requests: 2}}
		type use struct {
			at    time.Time
			share int
		}
		uses := make(map[string][]use)
		var underWay []*source
		for range rapid.IntRange(1, 200).Draw(t, "requests") {
			now = now.Add(time.Duration(rapid.IntRange(0, 400).Draw(t, "pause")) * time.Second)
			upload := rapid.Bool().Draw(t, "upload")
			src := s.take(agent, shares, []bool{true, upload})
			if slices.ContainsFunc(underWay, func(other *source) bool { return other.ip == src.ip }) {
				t.Fatalf("%s is given to two requests", src.ip)
			}
			underWay = append(underWay, src)
			uses[src.ip] = append(uses[src.ip], use{now, 0})
			if upload {
				uses[src.ip] = append(uses[src.ip], use{now, 1})
			}
			for range rapid.IntRange(0, len(underWay)).Draw(t, "ended") {
				i := rapid.IntRange(0, len(underWay)-1).Draw(t, "which")
				s.give(underWay[i])
				underWay = slices.Delete(underWay, i, i+1)
			}
		}
		for ip, all := range uses {
			for _, first := range all {
				var counts [2]int
				for _, u := range all {
					if !u.at.Before(first.at) && u.at.Sub(first.at) < shareWindow {
						counts[u.share]++
					}
				}
				if counts[0] > 5 || counts[1] > 2 {
					t.Fatalf("%s carries %v in one window", ip, counts)
				}
			}
		}
	})
}

// TestTenThousandRequests holds that no more sources are used than have to be:
// one for each request that is under way at once, and for each share.
func TestTenThousandRequests(t *testing.T) {
	now := time.Unix(1_000_000, 0)
	s := newSources(&now)
	shares := []Share{{Requests: 500}}
	used := make(map[string]int)
	for range 2_500 {
		var underWay [4]*source
		for i := range underWay {
			underWay[i] = s.take(agent, shares, []bool{true})
			used[underWay[i].ip]++
		}
		for _, src := range underWay {
			s.give(src)
		}
	}
	if len(used) != 20 {
		t.Errorf("%d sources", len(used))
	}
	for ip, count := range used {
		if count != 500 {
			t.Errorf("%s carries %d", ip, count)
		}
		if addr := net.ParseIP(ip).To4(); addr == nil || addr[0] != 127 || addr[1] == 0 || addr[1] == 255 {
			t.Errorf("%s is no source", ip)
		}
	}
	other := s.take(poolKey{upstream: "127.0.0.1:3001"}, shares, []bool{true})
	if s.take(agent, shares, []bool{true}).ip == other.ip {
		t.Error("two backends share a source")
	}
}

// TestCrowdOfSources holds that what a crowd has left is forgotten when it is
// too old to be used.
func TestCrowdOfSources(t *testing.T) {
	now := time.Unix(1_000_000, 0)
	s := newSources(&now)
	shares := []Share{{Requests: 500}}
	var crowd []*source
	for range 1000 {
		crowd = append(crowd, s.take(agent, shares, []bool{true}))
	}
	for _, src := range crowd {
		s.give(src)
	}
	now = now.Add(shareWindow)
	s.give(s.take(agent, shares, []bool{true}))
	if left := len(s.pools[agent].free); left != 1 {
		t.Errorf("%d sources are kept", left)
	}
}

// TestGivenBack holds that a source is given back once, when the response is
// over, and not at all with a connection that has become a socket's.
func TestGivenBack(t *testing.T) {
	broken := errors.New("broken off")
	for _, test := range []struct {
		name         string
		res          *http.Response
		before, then int // how many are free
	}{
		{"an error", nil, 1, 1},
		{"no body", &http.Response{StatusCode: 204, Body: http.NoBody}, 1, 1},
		{"a body", &http.Response{StatusCode: 200, Body: io.NopCloser(strings.NewReader("x"))}, 0, 1},
		{"a body that breaks off", &http.Response{StatusCode: 200, Body: failing{broken}}, 0, 1},
		{"a socket", &http.Response{StatusCode: 101, Body: io.NopCloser(strings.NewReader(""))}, 0, 0},
	} {
		key := poolKey{upstream: test.name}
		src := processSources.take(key, []Share{{Requests: 500}}, []bool{true})
		sent := new(outgoing)
		sent.giveBack(src, test.res)
		free := func() int { return len(processSources.pools[key].free) }
		if free() != test.before {
			t.Errorf("%s: %d are free at once", test.name, free())
		}
		if test.res != nil {
			_ = test.res.Body.Close()
			_ = test.res.Body.Close()
		}
		if free() != test.then {
			t.Errorf("%s: %d are free in the end", test.name, free())
		}
	}
}

// failing is a body that cannot even be closed.
type failing struct{ err error }

func (f failing) Read([]byte) (int, error) { return 0, f.err }
func (f failing) Close() error             { return f.err }
