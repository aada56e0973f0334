package detect_test

import (
	"bytes"
	"encoding/json"
	"io"
	"strings"
	"testing"

	"github.com/gatehouse-dev/caddy-gatehouse/securitylog/detect"
)

func stream(t *testing.T, in string) []string {
	t.Helper()
	var out bytes.Buffer
	if err := detect.Stream(strings.NewReader(in), &out); err != nil {
		t.Fatal(err)
	}
	if out.Len() == 0 {
		return nil
	}
	return strings.Split(strings.TrimSuffix(out.String(), "\n"), "\n")
}

func TestStream(t *testing.T) {
	got := stream(t, `{"id":1,"target":"/a?id=7%27%20or%203=3--"}
{"id":2,"user_agent":"curl/8.11.0"}

{"id":"x","user_agent":"sqlmap/1.9"}
{"id":3,"body":"a=../../b","content_type":"application/x-www-form-urlencoded"}
{"target":"/"}`)
	want := []string{
		`{"id":1,"hit":true,"events":["sqli"]}`,
		`{"id":2,"hit":false,"events":[]}`,
		`{"id":"x","hit":true,"events":["ua"]}`,
		`{"id":3,"hit":true,"events":["traversal"]}`,
		`{"hit":false,"events":[]}`,
	}
	if len(got) != len(want) {
		t.Fatalf("got %q", got)
	}
	for i := range want {
		if got[i] != want[i] {
			t.Errorf("line %d: got %s, want %s", i, got[i], want[i])
		}
	}
}

func TestStreamKeepsGoing(t *testing.T) {
	got := stream(t, "nonsense\n{\"id\":4}\n{\"id\":5,\"target\":7}\n{\"id\":6,\"target\":\"/"+strings.Repeat("x", 5<<20)+"\"}\n{\"id\":7,\"target\":\"/\"}\n")
	if len(got) != 5 {
		t.Fatalf("%d answers: %q", len(got), got)
	}
	for i, id := range []string{"", "4", "5", ""} {
		var f struct {
			ID    json.RawMessage
			Line  int
			Error string
		}
		if err := json.Unmarshal([]byte(got[i]), &f); err != nil || f.Error == "" || f.Line != i+1 || string(f.ID) != id {
			t.Errorf("line %d: %s", i+1, got[i])
		}
	}
	if got[4] != `{"id":7,"hit":false,"events":[]}` {
		t.Errorf("after the errors: %s", got[4])
	}
}

// TestStreamAnswersAtOnce holds that an answer is written before the next line is waited for.
func TestStreamAnswersAtOnce(t *testing.T) {
	inR, inW := io.Pipe()
	outR, outW := io.Pipe()
	done := make(chan error, 1)
	go func() {
		err := detect.Stream(inR, outW)
		outW.CloseWithError(err)
		done <- err
	}()
	if _, err := io.WriteString(inW, `{"id":1,"target":"/"}`+"\n"); err != nil {
		t.Fatal(err)
	}
	buf := make([]byte, 256)
	n, err := outR.Read(buf)
	if err != nil || !strings.HasPrefix(string(buf[:n]), `{"id":1`) {
		t.Fatalf("%q, %v", buf[:n], err)
	}
	inW.Close()
	if _, err := io.ReadAll(outR); err != nil {
		t.Fatal(err)
	}
	if err := <-done; err != nil {
		t.Fatal(err)
	}
}

func FuzzStream(f *testing.F) {
	f.Add("{\"id\":1,\"target\":\"/\"}\n\n{")
	f.Fuzz(func(t *testing.T, in string) {
		var out bytes.Buffer
		if err := detect.Stream(strings.NewReader(in), &out); err != nil {
			t.Fatal(err)
		}
		want := 0
		for line := range strings.SplitSeq(in, "\n") {
			if strings.Trim(line, "\x00\x01\x02\x03\x04\x05\x06\x07\x08\t\n\v\f\r\x0e\x0f\x10\x11\x12\x13\x14\x15\x16\x17\x18\x19\x1a\x1b\x1c\x1d\x1e\x1f ") != "" {
				want++
			}
		}
		got := strings.Count(out.String(), "\n")
		if got != want {
			t.Fatalf("%d answers to %d lines of %q", got, want, in)
		}
		for line := range strings.SplitSeq(strings.TrimSuffix(out.String(), "\n"), "\n") {
			if line != "" && !json.Valid([]byte(line)) {
				t.Fatalf("answer %q", line)
			}
		}
	})
}
