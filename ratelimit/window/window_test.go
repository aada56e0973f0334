package window_test

import (
	"testing"
	"time"

	"github.com/gatehouse-dev/caddy-gatehouse/ratelimit/window"
)

func TestLimitAndRetryAfter(t *testing.T) {
	clock := newHand()
	table := newTable(t, window.Options{Now: clock.now})
	tier := define(t, table, "upload", limits(50, 15*time.Minute))
	c := address(table, "192.0.2.1")
	mustTake(t, table, tier, c, 50)
	st := mustRefuse(t, table, tier, c)
	if !st.Exceeded || st.Remaining != 0 || st.Limit != 50 || st.Window != 15*time.Minute {
		t.Errorf("standing: %+v", st)
	}
	if st.RetryAfter <= 15*time.Minute || st.RetryAfter > 15*time.Minute*65/64 {
		t.Errorf("retry after %v", st.RetryAfter)
	}
	clock.step(st.RetryAfter - 1)
	if st := mustRefuse(t, table, tier, c); st.RetryAfter != 1 {
		t.Errorf("a nanosecond before: retry after %v", st.RetryAfter)
	}
	clock.step(1)
	mustTake(t, table, tier, c, 50)
	mustRefuse(t, table, tier, c)
}

func TestEveryWidthCounts(t *testing.T) {
	for _, n := range []int{1, 8, 9, 255, 65_535, 65_536, 200_000} {
		clock := newHand()
		table := newTable(t, window.Options{Now: clock.now})
		tier := define(t, table, "t", limits(n, time.Minute))
		c := address(table, "192.0.2.1")
		// Spread over the window so that sparse, dense and wide counters are used.
		for i := range n {
			if i%max(n/20, 1) == 0 {
				clock.step(time.Second)
			}
			mustTake(t, table, tier, c, 1)
		}
		mustRefuse(t, table, tier, c)
		if _, rd := table.Inspect(c, ""); rd[0].Used != n {
			t.Errorf("limit %d: used %d", n, rd[0].Used)
		}
		clock.step(2 * time.Minute)
		if _, rd := table.Inspect(c, ""); rd[0].Used != 0 || rd[0].Reset != 0 {
			t.Errorf("limit %d: after the window: %+v", n, rd[0])
		}
		// All at once: one slice.
		mustTake(t, table, tier, c, n)
		mustRefuse(t, table, tier, c)
	}
}

func TestAllTiersOrNone(t *testing.T) {
	table := newTable(t, window.Options{Now: newHand().now})
	api := define(t, table, "api", limits(10, time.Minute))
	upload := define(t, table, "upload", limits(2, time.Minute))
	trial := define(t, table, "trial", window.Spec{
		Limits: []window.Limit{{N: 1, Window: time.Hour}}, Shadow: true,
	})
	c, a := named(table, "k1"), address(table, "192.0.2.1")
	charges := []window.Charge{{Tier: api, Client: c}, {Tier: upload, Client: a}, {Tier: trial, Client: c}}
	for i := range 4 {
		v := table.Take(charges)
		if want := i < 2; v.Admitted != want {
			t.Fatalf("request %d: admitted %v", i, v.Admitted)
		}
		if i < 2 && v.Refusal != -1 || i >= 2 && v.Refusal != 1 {
			t.Errorf("request %d: refused by charge %d", i, v.Refusal)
		}
		if want := i > 0; charges[2].Standing.Exceeded != want {
			t.Errorf("request %d: shadow exceeded %v", i, !want)
		}
	}
	for i, used := range []int{2, 2, 1} {
		_, rd := table.Inspect(charges[i].Client, "")
		if rd[i].Used != used {
			t.Errorf("%s: used %d, want %d", rd[i].Tier, rd[i].Used, used)
		}
	}
}

func TestTierNamedTwiceCountsOnce(t *testing.T) {
	table := newTable(t, window.Options{Now: newHand().now})
	tier := define(t, table, "t", limits(2, time.Minute))
	c := named(table, "k")
	for i := range 3 {
		v := table.Take([]window.Charge{{Tier: tier, Client: c}, {Tier: tier, Client: c}})
		if want := i < 2; v.Admitted != want {
			t.Fatalf("request %d: admitted %v", i, v.Admitted)
		}
	}
}

func TestMoreChargesThanTypical(t *testing.T) {
	table := newTable(t, window.Options{Now: newHand().now})
	var charges []window.Charge
	for i := range 20 {
		tier := define(t, table, string(rune('a'+i)), limits(1+i, time.Minute))
		charges = append(charges, window.Charge{Tier: tier, Client: named(table, string(rune('a'+i%3)))})
	}
	if v := table.Take(charges); !v.Admitted {
		t.Fatal("refused")
	}
	if v := table.Take(charges); v.Admitted || v.Refusal != 0 {
		t.Fatalf("want a refusal by the first: %+v", v)
	}
}

func TestGiveBack(t *testing.T) {
	clock := newHand()
	table := newTable(t, window.Options{Now: clock.now})
	tier := define(t, table, "failures", limits(1, time.Minute))
	c := address(table, "192.0.2.1")
	charges := []window.Charge{{Tier: tier, Client: c}}
	table.Take(charges)
	mustRefuse(t, table, tier, c) // while it is reserved
	table.GiveBack(&charges[0])
	if st := charges[0].Standing; st.Remaining != 1 || st.Reset != 0 {
		t.Errorf("after giving back: %+v", st)
	}
	mustTake(t, table, tier, c, 1)
	table.GiveBack(&charges[0]) // a second time
	mustRefuse(t, table, tier, c)

	// What a reset has forgotten is not given back to what came after it.
	table.Reset(c)
	table.Take(charges)
	table.Reset(c)
	mustTake(t, table, tier, c, 1)
	table.GiveBack(&charges[0])
	mustRefuse(t, table, tier, c)

	// Nor what the window has forgotten.
	table.Reset(c)
	table.Take(charges)
	clock.step(2 * time.Minute)
	mustTake(t, table, tier, c, 1)
	table.GiveBack(&charges[0])
	mustRefuse(t, table, tier, c)

	// A refused charge has nothing to give.
	refused := []window.Charge{{Tier: tier, Client: c}}
	table.Take(refused)
	table.GiveBack(&refused[0])
	mustRefuse(t, table, tier, c)
}

func TestPlans(t *testing.T) {
	clock := newHand()
	table := newTable(t, window.Options{Now: clock.now})
	tier := define(t, table, "api", window.Spec{
		Limits: []window.Limit{{N: 3, Window: time.Hour}},
		Plans:  map[string][]window.Limit{"pro": {{N: 10, Window: time.Minute}}},
	})
	c := named(table, "k")
	pro := []window.Charge{{Tier: tier, Client: c, Plan: "pro"}}
	for i := range 10 {
		if !table.Take(pro).Admitted {
			t.Fatalf("pro: request %d refused", i)
		}
	}
	if table.Take(pro).Admitted {
		t.Fatal("pro: eleventh admitted")
	}
	// Back on the plain limits, what was used on the plan counts.
	mustRefuse(t, table, tier, c)
	clock.step(10 * time.Minute)
	mustRefuse(t, table, tier, c)
	// And the other way round.
	if !table.Take(pro).Admitted {
		t.Fatal("pro: refused after ten minutes")
	}
	if st := pro[0].Standing; st.Remaining != 9 {
		t.Errorf("pro: %+v", st)
	}
	unknown := []window.Charge{{Tier: tier, Client: named(table, "other"), Plan: "free"}}
	table.Take(unknown)
	if st := unknown[0].Standing; st.Limit != 3 {
		t.Errorf("unknown plan: %+v", st)
	}
}

func TestClockBackwardsAndJumps(t *testing.T) {
	clock := newHand()
	table := newTable(t, window.Options{Now: clock.now})
	tier := define(t, table, "t", limits(1, time.Minute))
	c := address(table, "192.0.2.1")
	mustTake(t, table, tier, c, 1)
	for range 3 {
		clock.step(-1000 * time.Hour)
		mustRefuse(t, table, tier, c)
	}
	// The steps back cost nothing: time goes on from where it was.
	clock.step(61 * time.Second)
	mustTake(t, table, tier, c, 1)
	for range 5 {
		clock.step(290 * 365 * 24 * time.Hour)
		clock.step(-290 * 365 * 24 * time.Hour)
	}
	mustRefuse(t, table, tier, c)
	for range 5 { // beyond the end of time
		clock.step(290 * 365 * 24 * time.Hour)
		take(table, tier, c)
	}
	mustRefuse(t, table, tier, c)
}

func TestSpecMistakesInOneReport(t *testing.T) {
	table := newTable(t, window.Options{})
	bad := window.Spec{
		Limits: []window.Limit{{N: 0, Window: time.Minute}, {N: 1, Window: time.Microsecond}, {N: 1, Window: time.Hour}, {N: 2, Window: time.Hour}},
		Plans:  map[string][]window.Limit{"pro": nil, "max": {{N: 1 << 32, Window: time.Second}, {N: 1, Window: 50 * 24 * time.Hour}}},
	}
	_, err := table.Tier("api", bad)
	if err == nil {
		t.Fatal("accepted")
	}
	want := `tier "api": limits: limit 0 1m0s: the number of requests must be between 1 and 2147483647
limit 1 1µs: the window must be whole milliseconds, from 1ms to 49 days
limit 2 1h0m0s: there is another limit for the same window
plan "max": limit 4294967296 1s: the number of requests must be between 1 and 2147483647
limit 1 1200h0m0s: the window must be whole milliseconds, from 1ms to 49 days
plan "pro": there are 0 limits: from 1 to 8 can hold at once`
	if err.Error() != want {
		t.Errorf("have:\n%v\nwant:\n%v", err, want)
	}
	tier := define(t, table, "api", limits(1, time.Minute))
	if err := table.Change(tier, bad); err == nil {
		t.Error("change accepted")
	}
	for _, o := range []window.Options{{MaxClients: -1}, {MaxClients: 1 << 30}, {MaxClients: 8, KeyPlaces: 9}, {KeyPlaces: -1}} {
		if _, err := window.New(o); err == nil {
			t.Errorf("%+v accepted", o)
		}
	}
}
