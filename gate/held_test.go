package gate

import (
	"bytes"
	"errors"
	"io"
	"net/http"
	"net/http/httptest"
	"strings"
	"testing"
	"testing/iotest"
)

// TestHoldings holds that nobody has the gate hold more than its part, that all
// together do not either, and that what is over is given back.
func TestHoldings(t *testing.T) {
	before := processHoldings
	defer func() { processHoldings = before }()
	processHoldings = newHoldings(4 << 20)
	request := func(key string, shared bool) *Request {
		return &Request{Principal: &Principal{KeyID: key, Shared: shared}}
	}
	ada := []*Request{request("ada", false), request("ada", false), request("ada", false)}
	const half = freelyHeld + 512<<10
	for i, want := range []bool{true, true, false} {
		if refusal := ada[i].Holds(half); (refusal == nil) != want {
			t.Errorf("the request %d of one key: %v", i, refusal)
		}
	}
	if refusal := ada[2].Holds(freelyHeld); refusal != nil {
		t.Errorf("what is short is refused: %v", refusal)
	}
	var others []*Request
	for _, key := range []string{"bob", "carol", "dave"} {
		others = append(others, request(key, true))
		if refusal := others[len(others)-1].Holds(freelyHeld + 1<<20); refusal != nil {
			t.Errorf("another key is refused: %v", refusal)
		}
	}
	if request("erin", false).Holds(half) == nil {
		t.Error("there is no bound for all")
	}
	if refusal := ada[0].Holds(100); refusal != nil {
		t.Errorf("less is refused: %v", refusal)
	}
	if refusal := ada[2].Holds(half); refusal != nil {
		t.Errorf("what was given back is not there: %v", refusal)
	}
	for _, req := range append(ada, others...) {
		req.letGo()
		if req.Holds(half) == nil {
			t.Error("a request that is over holds something")
		}
		req.letGo()
	}
	if processHoldings.all != 0 || len(processHoldings.by) != 0 {
		t.Errorf("nothing is held any more, and counted are %d bytes of %d callers", processHoldings.all, len(processHoldings.by))
	}
}

func TestReadAll(t *testing.T) {
	before := processHoldings
	defer func() { processHoldings = before }()
	processHoldings = newHoldings(4 << 20)
	sending := func(body io.Reader) *http.Request { return httptest.NewRequest("POST", "/", body) }
	for _, length := range []int{0, 1, 511, 512, 513, 100_000, 100_001, 200_000} {
		text := bytes.Repeat([]byte("x"), length)
		req := new(Request)
		r := sending(iotest.HalfReader(bytes.NewReader(text)))
		got, err := req.ReadAll(r, 100_000)
		if err != nil || len(got) != min(length, 100_001) || !bytes.HasPrefix(text, got) {
			t.Errorf("%d bytes: %d, %v", length, len(got), err)
		}
		if again, err := io.ReadAll(r.Body); err != nil || !bytes.Equal(again, got) {
			t.Errorf("%d bytes: %d are put back, %v", length, len(again), err)
		}
		if req.held.n != max(0, cap(got)-freelyHeld) {
			t.Errorf("%d bytes: %d of %d are accounted for", length, req.held.n, cap(got))
		}
		req.letGo()
	}
	broken := errors.New("broken")
	if _, err := new(Request).ReadAll(sending(io.MultiReader(strings.NewReader("x"), iotest.ErrReader(broken))), 10); !errors.Is(err, broken) {
		t.Errorf("the body's error is %v", err)
	}
	_, err := new(Request).ReadAll(sending(bytes.NewReader(make([]byte, 2<<20))), 2<<20)
	if refusal, ok := errors.AsType[*Refusal](err); !ok || refusal.Status != 429 {
		t.Errorf("more than may be held: %v", err)
	}
}
