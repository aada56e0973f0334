package backend

import (
	"net"
	"testing"
	"time"

	"pgregory.net/rapid"
)

func newSources(now *time.Time) *sources {
	return &sources{now: func() time.Time { return *now }, next: lastSource - 2, used: make(map[pool]*source)}
}

// TestShares holds that no source carries more than its shares in any window,
// wherever that begins, and that no more sources are used than have to be.
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
		for range rapid.IntRange(1, 200).Draw(t, "requests") {
			now = now.Add(time.Duration(rapid.IntRange(0, 400).Draw(t, "pause")) * time.Second)
			upload := rapid.Bool().Draw(t, "upload")
			ip := s.take(pool{upstream: "127.0.0.1:3000"}, shares, []bool{true, upload}).ip
			uses[ip] = append(uses[ip], use{now, 0})
			if upload {
				uses[ip] = append(uses[ip], use{now, 1})
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

func TestTenThousandRequests(t *testing.T) {
	now := time.Unix(1_000_000, 0)
	s := newSources(&now)
	used := make(map[string]int)
	for range 10_000 {
		used[s.take(pool{upstream: "127.0.0.1:3000"}, []Share{{Requests: 500}}, []bool{true}).ip]++
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
	other := s.take(pool{upstream: "127.0.0.1:3001"}, []Share{{Requests: 500}}, []bool{true})
	if s.take(pool{upstream: "127.0.0.1:3000"}, []Share{{Requests: 500}}, []bool{true}).ip == other.ip {
		t.Error("two backends share a source")
	}
}
