package chain

import (
	"bytes"
	"fmt"
	"os"
	"path/filepath"
	"strings"
	"testing"
	"time"

	"pgregory.net/rapid"
)

// written makes a trail of n lines and returns its text and its head.
func written(n int) ([]byte, Head) {
	var text []byte
	var head Head
	now := time.Date(2026, 3, 1, 12, 0, 0, 0, time.UTC)
	for i := range n {
		var one []byte
		one, head = line(head, now.Add(time.Duration(i)*time.Second), []Field{{"event", "authz_fail"}, {"reason", fmt.Sprintf("\"no\" %d\n", i)}})
		text = append(text, one...)
	}
	return text, head
}

func verify(text []byte, heads ...Head) *Verifier {
	v := new(Verifier)
	for _, head := range heads {
		v.Expect(head)
	}
	if err := v.Read("", bytes.NewReader(text)); err != nil {
		panic(err)
	}
	v.Finish("")
	return v
}

func TestVerify(t *testing.T) {
	text, head := written(5)
	lines := bytes.SplitAfter(text, []byte("\n"))[:5]
	join := func(order ...int) []byte {
		var b []byte
		for _, i := range order {
			b = append(b, lines[i-1]...)
		}
		return b
	}
	other, _ := line(Head{}, time.Now(), []Field{{"event", "forged"}})
	for _, c := range []struct {
		name string
		text []byte
		want string // the first problem; "" if there is none
	}{
		{"whole", text, ""},
		{"changed", bytes.Replace(text, []byte(`no\" 2`), []byte(`no\" 7`), 1), "line 3: the line was changed (entry 3)"},
		{"one missing", join(1, 2, 4, 5), "line 3: entry 3 is missing before this line"},
		{"two missing", join(1, 4, 5), "line 2: entries 2 to 3 are missing before this line"},
		{"the first missing", join(2, 3, 4, 5), "line 1: entry 1 is missing"},
		{"the end missing", join(1, 2, 3), "line 4: the end is missing: the trail goes to entry 3, and its head tells of entry 5"},
		{"all missing", nil, "line 1: the end is missing"},
		{"moved", join(1, 3, 2, 4, 5), "line 2: entry 2 is missing before this line"},
		{"twice", join(1, 2, 2, 3, 4, 5), "line 3: entry 2 stands here a second time"},
		{"replaced", append(append([]byte{}, other...), join(2, 3, 4, 5)...), "line 2: entry 2 does not follow from the line before"},
		{"cut off", text[:len(text)-10], "line 5: the line is cut off"},
		{"without its last line break", text[:len(text)-1], "line 5: the line is cut off"},
		{"an empty line", append(append([]byte{}, join(1)...), append([]byte("\n"), join(2, 3, 4, 5)...)...), "line 2: the line was changed"},
		{"no trail", []byte("hello\n"), "line 1: the line was changed: it is no line of an audit trail"},
		{"endless", bytes.Repeat([]byte("x"), maxLine+1), "line 1: it is longer"},
	} {
		t.Run(c.name, func(t *testing.T) {
			v := verify(c.text, head)
			switch {
			case c.want == "" && len(v.Problems) > 0:
				t.Errorf("%v", v.Problems)
			case c.want != "" && (len(v.Problems) == 0 || !strings.HasPrefix(v.Problems[0].String(), c.want)):
				t.Errorf("%v, wanted %s", v.Problems, c.want)
			}
		})
	}
	anew, last := line(Head{4, head.Hash}, time.Now(), nil)
	_ = anew
	if v := verify(text, last); len(v.Problems) != 1 || !strings.Contains(v.Problems[0].What, "written anew") {
		t.Errorf("another head of the same number: %v", v.Problems)
	}
	for _, heads := range [][]Head{{last, head}, {head, last}} {
		// One was kept elsewhere, the other lies beside a trail that it fits.
		if v := verify(text, heads...); len(v.Problems) != 1 || !strings.Contains(v.Problems[0].What, "written anew") {
			t.Errorf("two heads of one number: %v", v.Problems)
		}
	}
}

// TestAnyMutation holds that no single change of a trail goes unseen.
func TestAnyMutation(t *testing.T) {
	rapid.Check(t, func(t *rapid.T) {
		text, head := written(rapid.IntRange(1, 6).Draw(t, "lines"))
		at := rapid.IntRange(0, len(text)-1).Draw(t, "at")
		changed := bytes.Clone(text)
		switch rapid.IntRange(0, 3).Draw(t, "kind") {
		case 0: // a byte becomes another
			changed[at] ^= byte(rapid.IntRange(1, 255).Draw(t, "bits"))
		case 1: // bytes are taken out
			end := rapid.IntRange(at+1, len(text)).Draw(t, "end")
			changed = append(changed[:at], text[end:]...)
		case 2: // bytes are put in
			changed = append(append(bytes.Clone(text[:at]), rapid.SliceOfN(rapid.Byte(), 1, 20).Draw(t, "bytes")...), text[at:]...)
		case 3: // two lines change places
			lines := bytes.SplitAfter(text, []byte("\n"))
			lines = lines[:len(lines)-1]
			i, j := rapid.IntRange(0, len(lines)-1).Draw(t, "i"), rapid.IntRange(0, len(lines)-1).Draw(t, "j")
			lines[i], lines[j] = lines[j], lines[i]
			changed = bytes.Join(lines, nil)
		}
		if v := verify(changed, head); bytes.Equal(changed, text) != (len(v.Problems) == 0) {
			t.Fatalf("changed into %q: %v", changed, v.Problems)
		}
	})
}

func FuzzVerify(f *testing.F) {
	text, head := written(3)
	f.Add(text)
	f.Add([]byte("{}\n"))
	f.Add(text[:len(text)/2])
	f.Fuzz(func(t *testing.T, changed []byte) {
		if v := verify(changed, head); len(v.Problems) == 0 && !bytes.Equal(changed, text) {
			t.Errorf("%q passes", changed)
		}
	})
}

// opened opens a trail in a folder of the test's.
func opened(t *testing.T, path string) (*Writer, error) {
	t.Helper()
	w, broken, err := Open(path)
	if err != nil {
		t.Fatal(err)
	}
	t.Cleanup(func() { _ = w.Close() })
	return w, broken
}

func appendN(t *testing.T, w *Writer, n int) {
	t.Helper()
	for i := range n {
		if err := w.Append(Field{"event", fmt.Sprint(i)}); err != nil {
			t.Fatal(err)
		}
	}
}

func checkFile(t *testing.T, wantLines int, paths ...string) {
	t.Helper()
	v := new(Verifier)
	head, err := ReadHead(paths[len(paths)-1])
	if err != nil {
		t.Fatal(err)
	}
	v.Expect(head)
	for _, path := range paths {
		text, err := os.ReadFile(path)
		if err != nil {
			t.Fatal(err)
		}
		if err := v.Read(path, bytes.NewReader(text)); err != nil {
			t.Fatal(err)
		}
	}
	v.Finish(paths[len(paths)-1])
	if v.Lines != wantLines || len(v.Problems) > 0 {
		t.Errorf("%d lines, wanted %d: %v", v.Lines, wantLines, v.Problems)
	}
}

func TestWriter(t *testing.T) {
	path := filepath.Join(t.TempDir(), "audit.log")
	w, broken := opened(t, path)
	if broken != nil {
		t.Errorf("a new trail is broken: %v", broken)
	}
	appendN(t, w, 3)
	if err := w.Close(); err != nil {
		t.Fatal(err)
	}
	for _, name := range []string{path, path + HeadSuffix} {
		if info, err := os.Stat(name); err != nil || info.Mode().Perm() != 0o600 {
			t.Errorf("%s: %v %v", name, info.Mode(), err)
		}
	}
	w, broken = opened(t, path)
	if broken != nil {
		t.Errorf("a whole trail is broken: %v", broken)
	}
	appendN(t, w, 2)
	checkFile(t, 5, path)

	// It was moved away: the new file goes on where the old one ends.
	if err := os.Rename(path, path+".1"); err != nil {
		t.Fatal(err)
	}
	if err := w.Reopen(); err != nil {
		t.Fatal(err)
	}
	appendN(t, w, 2)
	if err := w.Reopen(); err != nil { // nothing to do
		t.Fatal(err)
	}
	checkFile(t, 7, path+".1", path)
}

func TestDamageAtTheEnd(t *testing.T) {
	for _, c := range []struct {
		name   string
		damage func(text []byte) []byte
		want   string
	}{
		{"none", func(text []byte) []byte { return text }, ""},
		{"a line less", func(text []byte) []byte { return text[:bytes.LastIndexByte(text[:len(text)-1], '\n')+1] }, "its end was cut off: it goes to entry 2, and its head tells of entry 3"},
		{"half a line less", func(text []byte) []byte { return text[:len(text)-40] }, "its last line was cut off in writing"},
		{"all of it", func([]byte) []byte { return nil }, "its end was cut off: it goes to entry 0"},
		{"changed", func(text []byte) []byte {
			text[bytes.LastIndex(text, []byte(`"event":"2`))+9]++
			return text
		}, "its last line, entry 3, was changed"},
	} {
		t.Run(c.name, func(t *testing.T) {
			path := filepath.Join(t.TempDir(), "audit.log")
			w, _ := opened(t, path)
			appendN(t, w, 3)
			_ = w.Close()
			text, err := os.ReadFile(path)
			if err != nil {
				t.Fatal(err)
			}
			if err := os.WriteFile(path, c.damage(text), 0o600); err != nil {
				t.Fatal(err)
			}
			w, broken := opened(t, path)
			if (broken == nil) != (c.want == "") || broken != nil && !strings.Contains(broken.Error(), c.want) {
				t.Errorf("%v", broken)
			}
			if err := w.Append(Field{"event", "after"}); err != nil {
				t.Error(err)
			}
		})
	}
}

func TestNotATrail(t *testing.T) {
	path := filepath.Join(t.TempDir(), "audit.log")
	if err := os.WriteFile(path, []byte("somebody's notes\n"), 0o600); err != nil {
		t.Fatal(err)
	}
	if _, _, err := Open(path); err == nil || !strings.Contains(err.Error(), "move the file away") {
		t.Errorf("%v", err)
	}
}

func TestParseHead(t *testing.T) {
	head := Head{12, strings.Repeat("ab", 32)}
	if got, err := ParseHead(head.String() + "  \n"); err != nil || got != head {
		t.Errorf("%v %v", got, err)
	}
	for _, text := range []string{"", "12", "x:" + head.Hash, "12:xyz", "12:abcd"} {
		if _, err := ParseHead(text); err == nil {
			t.Errorf("%q passes", text)
		}
	}
}
