package admin

import (
	"errors"
	"slices"
	"strings"
	"testing"
)

func TestDetect(t *testing.T) {
	const lines = `{"id":1,"target":"/raw?id=1%27%20OR%20%271%27=%271"}
{"id":"two","user_agent":"Mozilla/5.0"}

{"id":3,"user_agent":"sqlmap/1.7"}
{"id":4,"content_type":"application/json","body":"{\"a\":\"/../../etc/passwd\"}"}
`
	const want = `{"id":1,"hit":true,"events":["sqli"]}
{"id":"two","hit":false,"events":[]}
{"id":3,"hit":true,"events":["ua"]}
`
	cmd := detectCommand()
	var out strings.Builder
	cmd.SetIn(strings.NewReader(lines))
	cmd.SetOut(&out)
	cmd.SetArgs(nil)
	if err := cmd.Execute(); err != nil {
		t.Fatal(err)
	}
	if got, ok := strings.CutPrefix(out.String(), want); !ok || !strings.HasPrefix(got, `{"id":4,"hit":true,`) || strings.Count(got, "\n") != 1 {
		t.Errorf("%s", out.String())
	}
}

func TestDetectTellsWhenItCannotWrite(t *testing.T) {
	cmd := detectCommand()
	cmd.SetIn(strings.NewReader(`{"id":1,"target":"/"}` + "\n"))
	cmd.SetOut(full{})
	cmd.SetErr(new(strings.Builder))
	cmd.SetArgs(nil)
	if err := cmd.Execute(); !errors.Is(err, errFull) {
		t.Errorf("%v", err)
	}
}

var errFull = errors.New("the disk is full")

type full struct{}

func (full) Write([]byte) (int, error) { return 0, errFull }

// TestWords holds that every command stands without the word "gate" too.
func TestWords(t *testing.T) {
	for _, word := range []string{auditCommand().Name(), detectCommand().Name(), presetCommand().Name()} {
		if !slices.Contains(Words, word) {
			t.Errorf("%s is not among the words", word)
		}
	}
}
