package sockets

import (
	"bytes"
	"encoding/binary"
	"errors"
	"slices"
	"strings"
	"testing"

	"pgregory.net/rapid"
)

var errJudge = errors.New("not this event")

// chat lets the events of people who chat pass, and notes what it was asked.
type chat struct {
	asked []string
	key   string // the only one
}

func (c *chat) Key(text string) bool { return c.key != "" && text == c.key }

func (c *chat) Event(name string, args []byte) error {
	c.asked = append(c.asked, name+" "+string(args))
	if name == "message" || name == "1" || name == "2" {
		return nil
	}
	return errJudge
}

// write makes a frame as a client does.
func write(final bool, op byte, payload string) []byte {
	frame := []byte{op, 0x80}
	if final {
		frame[0] |= 0x80
	}
	switch n := len(payload); {
	case n < 126:
		frame[1] |= byte(n)
	case n < 1<<16:
		frame[1] |= 126
		frame = binary.BigEndian.AppendUint16(frame, uint16(n))
	default:
		frame[1] |= 127
		frame = binary.BigEndian.AppendUint64(frame, uint64(n))
	}
	mask := [4]byte{0x12, 0xfe, 0x80, 0x07}
	return unmask(append(frame, mask[:]...), []byte(payload), mask)
}

func text(payload string) []byte { return write(true, opText, payload) }

// TestPackets holds what each packet is taken for, on both transports.
func TestPackets(t *testing.T) {
	for _, test := range []struct {
		packet string
		want   string // "" passes, "judge" is asked and against it, else malformed
	}{
		{"1", ""}, {"2", ""}, {"2probe", ""}, {"3", ""}, {"3probe", ""}, {"5", ""}, {"6", ""},
		{"", "bad"}, {"0", "bad"}, {"0{}", "bad"}, {"7", "bad"}, {"x", "bad"}, {"5x", "bad"}, {"2x", "bad"}, {" ", "bad"},
		{"40", ""}, {`40{"entityId":"x","apiKey":"y"}`, ""}, {"40/,", ""}, {"41", ""}, {"4", "bad"}, {"40[]", "bad"}, {"40{", "bad"},
		{"41x", "bad"}, {"44{}", "bad"}, {"47", "bad"}, {"4 ", "bad"}, {"4x[]", "bad"}, {"40/admin,", "judge"}, {"40/admin", "judge"},
		{`42["message",{"type":1}]`, ""}, {`42["1",{}]`, ""}, {`42[1,{}]`, ""}, {`42[2]`, ""}, {`42[2.0]`, ""}, {`42[20e-1]`, ""},
		{`42["\u006dessage"]`, ""}, {`42[ "message" ]`, ""}, {`4212["message"]`, ""}, {`42/,["message"]`, ""}, {`42/,7["message"]`, ""},
		{`42["subscribe_logs"]`, "judge"}, {`42["update_log_filters",{}]`, "judge"}, {`42["Message"]`, "judge"}, {`42["message "]`, "judge"},
		{`42["message\u0000"]`, "judge"}, {`42["subscribe\u005flogs"]`, "judge"}, {`42[3]`, "judge"}, {`42[1.5]`, "judge"}, {`42/x,["message"]`, "judge"},
		{`42["disconnect"]`, "judge"}, {`42/x?y=1,["message"]`, "judge"},
		{`42`, "bad"}, {`42[]`, "bad"}, {`42[[]]`, "bad"}, {`42[{}]`, "bad"}, {`42[null]`, "bad"}, {`42[true]`, "bad"}, {`42["message"`, "bad"},
		{`42["message" "x"]`, "bad"}, {`42 ["subscribe_logs"]`, "bad"}, {`42{"0":"message"}`, "bad"}, {`42["a\x"]`, "bad"}, {`42[01]`, "bad"}, {`42[1`, "bad"},
		{`42["` + "\n" + `"]`, "bad"}, {`421.0["message"]`, "bad"}, {`42-1["message"]`, "bad"},
		{`430[]`, ""}, {`4312["x"]`, ""}, {`43[]`, "bad"}, {`431`, "bad"}, {`431{}`, "bad"}, {`431[`, "bad"},
		{`450-["message"]`, ""}, {`45["message"]`, "bad"}, {`45-["message"]`, "bad"}, {`451["message"]`, "bad"}, {`45999-["message"]`, "bad"},
		{`451.5-["message"]`, "bad"}, {`45 1-["message"]`, "bad"}, {`450-["subscribe_logs"]`, "judge"}, {`450-[{"_placeholder":true,"num":0}]`, "bad"},
		{`460-1[]`, ""}, {"bAAEC", "bad"},
	} {
		check := func(how string, err error) {
			t.Helper()
			got := ""
			switch {
			case errors.Is(err, errJudge):
				got = "judge"
			case Malformed(err):
				got = "bad"
			case err != nil:
				got = err.Error()
			}
			if got != test.want {
				t.Errorf("%s, %s: %q (%v), want %q", how, test.packet, got, err, test.want)
			}
		}
		check("polling", Polling([]byte(test.packet), new(chat)))
		check("polling, second", Polling([]byte("3\x1e"+test.packet), new(chat)))
		_, err := NewWebSocket(new(bytes.Buffer), new(chat)).Write(text(test.packet))
		check("websocket", err)
	}
}

// TestFrames holds what frames do to a connection.
func TestFrames(t *testing.T) {
	join := func(frames ...[]byte) []byte { return bytes.Join(frames, nil) }
	message := `42["message",{}]`
	long := `42["message","` + strings.Repeat("x", 70_000) + `"]`
	for _, test := range []struct {
		name string
		sent []byte
		pass int // how many bytes of it get through
		bad  bool
	}{
		{"a message", text(message), -1, false},
		{"a long one", text(long), -1, false},
		{"in pieces", join(write(false, opText, "42[\"mess"), write(false, opContinuation, "age\",{}"), write(true, opContinuation, "]")), -1, false},
		{"a ping in between", join(write(false, opText, "42[\"mess"), write(true, opPing, "x"), write(true, opContinuation, "age\"]")), -1, false},
		{"an empty piece", join(write(false, opText, ""), write(true, opContinuation, "3")), -1, false},
		{"control frames", join(write(true, opPing, ""), write(true, opPong, "x"), write(true, opClose, "\x03\xe8bye")), -1, false},
		{"after goodbye", join(write(true, opClose, ""), []byte("anything at all")), len(write(true, opClose, "")), false},
		{"attachments", join(text(`452-["message",{"_placeholder":true,"num":0}]`), write(true, opBinary, "ab"), write(false, opBinary, "c"), write(true, opContinuation, "d")), -1, false},
		{"half a message", text(message)[:9], 0, false},
		{"one and a half", join(text("3"), text(message)[:9]), len(text("3")), false},
		{"an event that may not pass", join(text("3"), text(`42["subscribe_logs"]`), text("3")), len(text("3")), true},
		{"in pieces", join(write(false, opText, "42[\"subscribe"), write(true, opContinuation, "_logs\"]")), 0, true},
		{"a binary message of no event", write(true, opBinary, "x"), 0, true},
		{"text for an attachment", join(text(`451-["message"]`), text(`42["message"]`)), len(text(`451-["message"]`)), true},
		{"no mask", []byte{0x81, 0x01, '3'}, 0, true},
		{"compressed", []byte{0xc1, 0x81, 0, 0, 0, 0, '3'}, 0, true},
		{"an unknown kind", write(true, 3, "x"), 0, true},
		{"a message within another", join(write(false, opText, "42"), text("3")), 0, true},
		{"a continuation of nothing", write(true, opContinuation, "3"), 0, true},
		{"a control frame in pieces", write(false, opPing, "x"), 0, true},
		{"a long control frame", write(true, opPing, strings.Repeat("x", 126)), 0, true},
		{"a length written too long", []byte{0x81, 0xfe, 0, 1, 0, 0, 0, 0, '3'}, 0, true},
		{"a length that no server takes", []byte{0x81, 0xff, 0x80, 0, 0, 0, 0, 0, 0, 1, 0, 0, 0, 0}, 0, true},
		{"a message that no server takes", []byte{0x81, 0xff, 0, 0, 0, 0, 0, 0x0f, 0x42, 0x41, 0, 0, 0, 0}, 0, true},
		{"too long in pieces", bytes.Repeat(write(false, opText, strings.Repeat("x", 60_000)), 1), 0, false},
	} {
		var out bytes.Buffer
		_, err := NewWebSocket(&out, new(chat)).Write(test.sent)
		if (err != nil) != test.bad {
			t.Errorf("%s: %v", test.name, err)
		}
		want := test.sent
		if test.pass >= 0 {
			want = test.sent[:test.pass]
		}
		if !bytes.Equal(out.Bytes(), want) {
			t.Errorf("%s: %d bytes got through, want %d", test.name, out.Len(), len(want))
		}
	}
}

// TestKeysAreTakenOut holds that no key goes on in a CONNECT packet, that all
// else goes on as it came, and that nothing changes its length.
func TestKeysAreTakenOut(t *testing.T) {
	const key = `the+key/of=one"client`
	quoted := `"the+key/of=one\"client"`
	gone := `""` + strings.Repeat(" ", len(quoted)-2)
	for sent, want := range map[string]string{
		`40{"apiKey":` + quoted + `,"entityId":"x"}`:                        `40{"apiKey":` + gone + `,"entityId":"x"}`,
		`40/,{"a":{"b":[` + quoted + `,"other"]},"c":` + quoted + `}`:       `40/,{"a":{"b":[` + gone + `,"other"]},"c":` + gone + `}`,
		`40{"apiKey":"\u0074he+key\/of=one\"client"}`:                       `40{"apiKey":""` + strings.Repeat(" ", len(quoted)+4) + `}`,
		`40{"apiKey":"` + quoted[1:len(quoted)-1] + `x"}`:                   `40{"apiKey":"` + quoted[1:len(quoted)-1] + `x"}`,
		`42["message",` + quoted + `]`:                                      `42["message",` + quoted + `]`,
		`40{"apiKey":"","entityId":"\u00e9\ud83d\ude00","n":[1,null,true]}`: `40{"apiKey":"","entityId":"\u00e9\ud83d\ude00","n":[1,null,true]}`,
	} {
		body := []byte("3\x1e" + sent + "\x1e3")
		if err := Polling(body, &chat{key: key}); err != nil || string(body) != "3\x1e"+want+"\x1e3" {
			t.Errorf("polling: %s, %v, want %s", body, err, want)
		}
		frames := bytes.Join([][]byte{text("3"), write(true, opPing, "x"), text(sent), text("3")}, nil)
		should := bytes.Join([][]byte{text("3"), write(true, opPing, "x"), text(want), text("3")}, nil)
		for cut := range len(frames) {
			var out bytes.Buffer
			w := NewWebSocket(&out, &chat{key: key})
			for _, piece := range [][]byte{frames[:cut], frames[cut:]} {
				before := slices.Clone(piece)
				if _, err := w.Write(piece); err != nil {
					t.Fatalf("%s cut at %d: %v", sent, cut, err)
				}
				if !bytes.Equal(piece, before) {
					t.Fatal("the caller's bytes were changed")
				}
			}
			if !bytes.Equal(out.Bytes(), should) {
				t.Errorf("%s cut at %d: got through %q", sent, cut, out.Bytes())
			}
		}
	}
	for _, bad := range [][]byte{
		append(write(false, opText, `40{"apiKey":"the+key`), write(true, opContinuation, `/of=one\"client"}`)...),
		text(`40/admin,{"apiKey":` + quoted + `}`),
	} {
		var out bytes.Buffer
		if _, err := NewWebSocket(&out, &chat{key: key}).Write(bad); err == nil || out.Len() > 0 {
			t.Errorf("%q got through, %v", out.Bytes(), err)
		}
	}
	// Whom the judge lets into a namespace keeps the key to himself there too.
	var out bytes.Buffer
	if _, err := NewWebSocket(&out, admin{key}).Write(text(`40/admin,{"apiKey":` + quoted + `}`)); err != nil || !bytes.Equal(out.Bytes(), text(`40/admin,{"apiKey":`+gone+`}`)) {
		t.Errorf("in a namespace: %q, %v", out.Bytes(), err)
	}
}

// admin lets everything pass.
type admin struct{ key string }

func (admin) Event(string, []byte) error { return nil }
func (a admin) Key(text string) bool     { return text == a.key }

// TestHeldIsBounded holds that a message that never ends is cut off.
func TestHeldIsBounded(t *testing.T) {
	for name, piece := range map[string][]byte{
		"long pieces":    write(false, opContinuation, strings.Repeat("x", 50_000)),
		"empty pieces":   write(false, opContinuation, ""),
		"control frames": write(true, opPing, ""),
	} {
		w := NewWebSocket(new(bytes.Buffer), new(chat))
		_, err := w.Write(write(false, opText, "42"))
		for sent := 0; err == nil && sent < 3*maxHeld; sent += len(piece) {
			_, err = w.Write(piece)
		}
		if !errors.Is(err, errTooLong) {
			t.Errorf("%s: %v", name, err)
		}
	}
}

// session draws what a client may say, good and bad, as frames.
func session(t *rapid.T) []byte {
	packet := rapid.SampledFrom([]string{
		"3", "2probe", "40{}", `42["message",{"type":1}]`, `42["1"]`, `42["subscribe_logs"]`, `451-["message"]`, "x", "", `42["message","` + strings.Repeat("é", 300) + `"]`,
	})
	var all []byte
	for range rapid.IntRange(1, 8).Draw(t, "messages") {
		op := rapid.SampledFrom([]byte{opText, opText, opText, opText, opBinary, opPing}).Draw(t, "op")
		payload := packet.Draw(t, "packet")
		if op == opPing {
			all = append(all, write(true, op, "x")...)
			continue
		}
		cut := rapid.IntRange(0, len(payload)).Draw(t, "cut")
		if rapid.Bool().Draw(t, "pieces") {
			all = append(all, write(false, op, payload[:cut])...)
			op, payload = opContinuation, payload[cut:]
		}
		all = append(all, write(true, op, payload)...)
	}
	if rapid.Bool().Draw(t, "spoilt") {
		all[rapid.IntRange(0, len(all)-1).Draw(t, "where")] ^= byte(1 << rapid.IntRange(0, 7).Draw(t, "bit"))
	}
	return all
}

// TestSplits holds that the decision is the same wherever the bytes are cut.
func TestSplits(t *testing.T) {
	rapid.Check(t, func(t *rapid.T) {
		sent := session(t)
		whole, judged, err := run(sent)
		var pieces [][]byte
		for rest := sent; len(rest) > 0; {
			n := rapid.IntRange(1, min(len(rest), 40)).Draw(t, "piece")
			pieces = append(pieces, rest[:n])
			rest = rest[n:]
		}
		split, judgedSplit, errSplit := run(pieces...)
		if !bytes.Equal(whole, split) || !slices.Equal(judged, judgedSplit) || (err == nil) != (errSplit == nil) || err != nil && err.Error() != errSplit.Error() {
			t.Fatalf("at once %d bytes, %q, %v; in pieces %d bytes, %q, %v", len(whole), judged, err, len(split), judgedSplit, errSplit)
		}
		if !bytes.HasPrefix(sent, whole) {
			t.Fatal("what got through is not what was sent")
		}
	})
}

func run(pieces ...[]byte) ([]byte, []string, error) {
	var out bytes.Buffer
	judge := new(chat)
	w := NewWebSocket(&out, judge)
	for _, piece := range pieces {
		if _, err := w.Write(slices.Clone(piece)); err != nil {
			return out.Bytes(), judge.asked, err
		}
	}
	return out.Bytes(), judge.asked, nil
}

// FuzzWebSocket holds that nothing but whole frames of what was sent gets
// through, whatever is sent and however it is cut.
func FuzzWebSocket(f *testing.F) {
	f.Add(text(`42["message",{}]`), 3)
	f.Add(append(write(false, opText, "42[\"sub"), write(true, opContinuation, "scribe_logs\"]")...), 7)
	f.Fuzz(func(t *testing.T, sent []byte, cut int) {
		whole, judged, err := run(sent)
		if !bytes.HasPrefix(sent, whole) {
			t.Fatal("what got through is not what was sent")
		}
		cut = min(max(cut, 0), len(sent))
		split, judgedSplit, errSplit := run(sent[:cut], sent[cut:])
		if !bytes.Equal(whole, split) || !slices.Equal(judged, judgedSplit) || (err == nil) != (errSplit == nil) {
			t.Fatalf("at once %d bytes, %v; cut at %d %d bytes, %v", len(whole), err, cut, len(split), errSplit)
		}
	})
}

// FuzzPolling holds that a body with an event that may not pass never passes,
// as a plain reading of it sees events.
func FuzzPolling(f *testing.F) {
	f.Add([]byte("40{}\x1e42[\"message\"]"))
	f.Add([]byte("42[\"subscribe_logs\"]"))
	f.Fuzz(func(t *testing.T, body []byte) {
		if Polling(body, new(chat)) != nil {
			return
		}
		for _, packet := range strings.Split(string(body), "\x1e") {
			if strings.HasPrefix(packet, "42") && !strings.Contains(packet, "message") && !strings.ContainsAny(packet, "12\\") {
				t.Fatalf("%q passed", packet)
			}
		}
	})
}

func TestCloseFrame(t *testing.T) {
	frame := CloseFrame(strings.Repeat("because ", 40))
	f, ok, err := frameAt(frame)
	if err != nil || !ok || f.op != opClose || f.length != 125 || !f.final {
		t.Fatalf("%+v, %v, %v", f, ok, err)
	}
	if payload := unmask(nil, frame[f.header:], f.mask); binary.BigEndian.Uint16(payload) != policyViolation || string(payload[2:9]) != "because" {
		t.Errorf("it says %q", payload)
	}
}

// BenchmarkWebSocket shows what reading costs beside what was there without it.
func BenchmarkWebSocket(b *testing.B) {
	for name, sent := range map[string][]byte{
		"chat":  text(`42["message",{"type":2,"payload":{"channelId":"c0000000-0000-4000-8000-00000000000c","message":"` + strings.Repeat("hello ", 20) + `"}}]`),
		"30 kB": text(`42["message",{"type":2,"payload":{"message":"` + strings.Repeat("hello ", 5000) + `"}}]`),
	} {
		b.Run(name, func(b *testing.B) {
			w := NewWebSocket(discard{}, pass{})
			b.SetBytes(int64(len(sent)))
			b.ReportAllocs()
			for b.Loop() {
				if _, err := w.Write(sent); err != nil {
					b.Fatal(err)
				}
			}
		})
	}
}

type pass struct{}

func (pass) Event(string, []byte) error { return nil }
func (pass) Key(string) bool            { return false }

type discard struct{}

func (discard) Write(p []byte) (int, error) { return len(p), nil }
