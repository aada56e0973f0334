// Package chain is the format of the audit trail: lines of JSON of which each
// carries the hash of the one before, so that a line that was changed, taken
// out or moved is found. It imports nothing of Caddy, so that the command line
// verifies with the code that writes.
//
// A line is one JSON object. It begins with seq (1, 2, 3...), time and prev (the
// hash of the line before; zeros in the first), and ends with hash: the SHA-256
// of all bytes of the line before `,"hash":`. What is between is the entry.
//
// Beside the trail lies its head, a file of one line: the number and the hash
// of the trail's last line. By it, lines that were cut off at the end are
// missed. Whoever can write both files can also write another trail and the
// head that fits it: against that helps a head that is kept elsewhere.
package chain

import (
	"bytes"
	"crypto/sha256"
	"encoding/hex"
	"encoding/json"
	"errors"
	"fmt"
	"strconv"
	"strings"
	"time"
)

// Field is one field of an entry.
type Field struct{ Key, Value string }

// Head is the end of a trail: the number and the hash of its last line.
type Head struct {
	Seq  uint64 `json:"seq"`
	Hash string `json:"hash"`
}

// none is the hash before the first line.
var none = strings.Repeat("0", hashLength)

const (
	hashLength = 2 * sha256.Size
	hashMark   = `,"hash":"`
	lineEnd    = `"}`
	// maxLine is more than any line has, and bounds what is read of a file that is no trail.
	maxLine = 64 << 10
	// maxValue bounds a field, so that no line comes near maxLine.
	maxValue = 2 << 10
)

// String writes the head as verify's --head takes it.
func (h Head) String() string { return strconv.FormatUint(h.Seq, 10) + ":" + h.Hash }

// ParseHead reads what String has written.
func ParseHead(text string) (Head, error) {
	number, hash, _ := strings.Cut(strings.TrimSpace(text), ":")
	seq, err := strconv.ParseUint(number, 10, 64)
	if raw, hexErr := hex.DecodeString(hash); err != nil || hexErr != nil || len(raw) != sha256.Size {
		return Head{}, errors.New("a head is written <number>:<hash of 64 hexadecimal digits>")
	}
	return Head{seq, hash}, nil
}

// head is the part of a line that the chain is made of.
type head struct {
	Seq  uint64    `json:"seq"`
	Time time.Time `json:"time"`
	Prev string    `json:"prev"`
}

// line makes the line that follows a head, with its line break, and the head after it.
func line(after Head, now time.Time, entry []Field) ([]byte, Head) {
	prev := after.Hash
	if after.Seq == 0 {
		prev = none
	}
	var b bytes.Buffer
	fmt.Fprintf(&b, `{"seq":%d,"time":"%s","prev":"%s"`, after.Seq+1, now.UTC().Format(time.RFC3339Nano), prev)
	for _, field := range entry {
		b.WriteByte(',')
		writeString(&b, field.Key)
		b.WriteByte(':')
		writeString(&b, cut(field.Value))
	}
	hash := hashOf(b.Bytes())
	b.WriteString(hashMark + hash + lineEnd + "\n")
	return b.Bytes(), Head{after.Seq + 1, hash}
}

func writeString(b *bytes.Buffer, s string) {
	text, _ := json.Marshal(s) // a string always can be
	b.Write(text)
}

func cut(s string) string {
	if len(s) > maxValue {
		return s[:maxValue] + "…"
	}
	return s
}

func hashOf(text []byte) string {
	sum := sha256.Sum256(text)
	return hex.EncodeToString(sum[:])
}

// read takes a line, without its line break, apart: what it says of itself, its
// hash as it says, and whether the hash is that of what it says.
func read(text []byte) (h head, hash string, whole bool, err error) {
	body := len(text) - len(hashMark) - hashLength - len(lineEnd)
	if body < 0 || string(text[body:body+len(hashMark)]) != hashMark || string(text[len(text)-len(lineEnd):]) != lineEnd {
		return h, "", false, errors.New("it is no line of an audit trail")
	}
	if err := json.Unmarshal(text, &h); err != nil {
		return h, "", false, fmt.Errorf("it is no line of an audit trail: %w", err)
	}
	hash = string(text[body+len(hashMark) : body+len(hashMark)+hashLength])
	return h, hash, hash == hashOf(text[:body]), nil
}
