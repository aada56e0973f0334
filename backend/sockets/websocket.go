package sockets

import (
	"encoding/binary"
	"errors"
	"io"
	"math/rand/v2"
	"slices"
)

// WebSocket reads the frames that a client sends (RFC 6455), and passes each
// message on when it is whole and its judge has nothing against it. Bytes are
// passed on as they came, still masked, but for the keys in CONNECT packets.
type WebSocket struct {
	out     io.Writer
	packets packets

	held   []byte // what has come of a message that is not whole
	next   int    // where in held, or in what is written, the next frame begins
	kind   byte   // of the message that is being read; 0 between messages
	text   []byte // its text, unmasked
	closed bool   // the client has said that it says no more
	err    error

	pieces bool    // the message that is being read is not all in one frame
	fixes  []patch // of what was read since the last Write
}

// patch is what goes on in place of what came, from a place on.
type patch struct {
	at      int
	payload []byte // masked
}

// Holder is a Judge that minds how much is held back.
type Holder interface {
	// Holds returns nil if that many bytes may be held from now on, in place of
	// those before.
	Holds(bytes int) error
}

// NewWebSocket returns a WebSocket that passes on to out what judge lets pass.
// If judge is a Holder, it is asked about what is held of messages that are not
// whole.
func NewWebSocket(out io.Writer, judge Judge) *WebSocket {
	return &WebSocket{out: out, packets: packets{judge: judge}}
}

// Opcodes of frames (RFC 6455, section 5.2).
const (
	opContinuation = 0
	opText         = 1
	opBinary       = 2
	opClose        = 8
	opPing         = 9
	opPong         = 10
)

// maxHeld bounds what is held of a message: its frames' headers and control
// frames in between, besides the message itself.
const maxHeld = MaxMessage + 64<<10

// Write takes bytes as they come. It holds back what is not whole yet, and so
// may be given any pieces. An error that is not the writer's own is the first
// thing that may not pass; nothing is passed on from there, and every later
// Write returns it.
func (w *WebSocket) Write(p []byte) (int, error) {
	if w.err != nil {
		return 0, w.err
	}
	if w.closed {
		return len(p), nil
	}
	data := p
	if len(w.held) > 0 {
		w.held = append(w.held, p...)
		data = w.held
	}
	whole, err := w.read(data)
	if whole > 0 {
		if _, err := w.out.Write(w.fixed(data[:whole])); err != nil {
			return 0, err
		}
	}
	if err != nil {
		w.err, w.held, w.text = err, nil, nil
		return 0, err
	}
	if whole > 0 || len(w.held) == 0 { // else all of it is held already
		w.hold(data[whole:])
	}
	if holder, ok := w.packets.judge.(Holder); ok {
		if err := holder.Holds(cap(w.held) + cap(w.text)); err != nil {
			w.err, w.held, w.text = err, nil, nil
			return 0, err
		}
	}
	return len(p), nil
}

// fixed is what was read, with what goes on in place of parts of it.
func (w *WebSocket) fixed(data []byte) []byte {
	if len(w.fixes) == 0 {
		return data
	}
	data = slices.Clone(data) // it is the caller's
	for _, fix := range w.fixes {
		copy(data[fix.at:], fix.payload)
	}
	w.fixes = nil
	return data
}

// hold keeps what is left of what was read.
func (w *WebSocket) hold(rest []byte) {
	switch {
	case len(rest) == 0 && cap(w.held) > 32<<10:
		w.held = nil // one long message does not keep its memory
	default:
		w.held = append(w.held[:0], rest...)
	}
}

// read reads frames and returns how many bytes are whole messages that pass.
func (w *WebSocket) read(data []byte) (whole int, err error) {
	for !w.closed {
		f, ok, err := frameAt(data[w.next:])
		if err != nil {
			return whole, err
		}
		if len(data)-whole+f.missing > maxHeld {
			return whole, errTooLong
		}
		if !ok {
			break
		}
		at := w.next + f.header
		w.next = at + f.length
		if err := w.frame(f, data[at:w.next], at); err != nil {
			return whole, err
		}
		if w.kind == 0 {
			whole = w.next
		}
	}
	if w.closed {
		whole = w.next
	}
	w.next -= whole
	return whole, nil
}

var errTooLong = malformed("a message of more than a million bytes")

// frame is the header of a frame.
type frame struct {
	final   bool
	op      byte
	header  int // its length
	length  int // of the payload
	missing int // bytes that are still to come, as far as is known
	mask    [4]byte
}

// frameAt reads the header of the frame that data begins with; ok is false if
// the frame is not whole.
func frameAt(data []byte) (f frame, ok bool, err error) {
	if len(data) < 2 {
		return f, false, nil
	}
	f.final, f.op = data[0]&0x80 != 0, data[0]&0x0f
	switch {
	case data[0]&0x70 != 0:
		return f, false, malformed("a frame of an extension that was not agreed on")
	case data[1]&0x80 == 0:
		return f, false, malformed("a frame without a mask")
	}
	length, size := uint64(data[1]&0x7f), 0
	switch length {
	case 126:
		size = 2
	case 127:
		size = 8
	}
	f.header = 2 + size + 4
	if len(data) < f.header {
		return f, false, nil
	}
	switch size {
	case 2:
		length = uint64(binary.BigEndian.Uint16(data[2:]))
	case 8:
		length = binary.BigEndian.Uint64(data[2:])
	}
	switch {
	case size == 2 && length < 126, size == 8 && length < 1<<16:
		return f, false, malformed("a frame whose length is not written as short as it could be")
	case length > MaxMessage:
		return f, false, errTooLong
	}
	f.length = int(length)
	copy(f.mask[:], data[f.header-4:])
	f.missing = max(f.header+f.length-len(data), 0)
	return f, f.missing == 0, nil
}

// frame takes in a whole frame, whose payload is at a place of what is read.
func (w *WebSocket) frame(f frame, payload []byte, at int) error {
	switch f.op {
	case opClose, opPing, opPong:
		if !f.final || f.length > 125 {
			return malformed("a control frame that is long or in pieces")
		}
		w.closed = f.op == opClose
		return nil
	case opText, opBinary:
		if w.kind != 0 {
			return malformed("a message within another")
		}
		w.kind = f.op
	case opContinuation:
		if w.kind == 0 {
			return malformed("the continuation of nothing")
		}
	default:
		return malformed("a frame of an unknown kind")
	}
	if w.kind == opText {
		if len(w.text)+len(payload) > MaxMessage {
			return errTooLong
		}
		w.text = unmask(w.text, payload, f.mask)
	}
	if !f.final {
		w.pieces = true
		return nil
	}
	return w.message(f, at)
}

// message judges the message that is whole now, with its last frame.
func (w *WebSocket) message(last frame, at int) error {
	kind, text, pieces := w.kind, w.text, w.pieces
	w.kind, w.text, w.pieces = 0, w.text[:0], false
	if cap(w.text) > 32<<10 {
		w.text = nil
	}
	if kind == opBinary {
		return w.packets.binary()
	}
	w.packets.stripped = false
	err := w.packets.text(text)
	switch {
	case err != nil || !w.packets.stripped:
		return err
	case pieces:
		return malformed("a key in a packet that comes in pieces, out of which it could not be taken")
	}
	w.fixes = append(w.fixes, patch{at, unmask(nil, text, last.mask)})
	return nil
}

// unmask appends the payload to text, with its mask taken off.
func unmask(text, payload []byte, mask [4]byte) []byte {
	start := len(text)
	text = append(text, payload...)
	own := text[start:]
	word := uint64(binary.LittleEndian.Uint32(mask[:]))
	word |= word << 32
	for len(own) >= 8 {
		binary.LittleEndian.PutUint64(own, binary.LittleEndian.Uint64(own)^word)
		own = own[8:]
	}
	for i := range own {
		own[i] ^= mask[i&3]
	}
	return text
}

// policyViolation is the status of a connection that the gate ends (RFC 6455,
// section 7.4.1).
const policyViolation = 1008

// CloseFrame is the frame by which a client says that it ends the connection
// for a violation of the policy. A server answers it in kind, so the client
// behind it learns the same. The reason has at most 123 bytes.
func CloseFrame(reason string) []byte {
	reason = reason[:min(len(reason), 123)]
	frame := []byte{0x80 | opClose, 0x80 | byte(2+len(reason))}
	frame = binary.LittleEndian.AppendUint32(frame, rand.Uint32())
	payload := binary.BigEndian.AppendUint16(nil, policyViolation)
	payload = append(payload, reason...)
	return unmask(frame, payload, [4]byte(frame[2:6]))
}

// Malformed reports whether an error says that something could not be read, and
// not that a judge was against it.
func Malformed(err error) bool {
	var m *MalformedError
	return errors.As(err, &m)
}
