// Package sockets reads what a client says over Socket.IO (protocol 5, on
// Engine.IO 4), and asks a judge about each event before it goes on. It knows
// nothing of HTTP and imports nothing of Caddy.
//
// Everything is read exactly or refused: a packet that servers could read in
// two ways never gets through. The default parser is meant, not another one
// such as msgpack. One thing does not go on as it came: a key of the gate in a
// CONNECT packet.
package sockets

import (
	"bytes"
	"encoding/json"
	"strconv"
)

// MaxMessage is the length of the longest message, in bytes: what a server
// takes that is told nothing else (maxHttpBufferSize).
const MaxMessage = 1_000_000

// maxAttachments is how many binary messages may follow an event.
const maxAttachments = 64

// Judge decides which events a client may send.
type Judge interface {
	// Event returns nil if the client may send an event. args is the JSON array
	// of its arguments, the name first, which may not be valid. A packet of any
	// other namespace than "/" comes as an event of the namespace's name.
	Event(name string, args []byte) error
	// Key reports whether a text is a key of the gate, which the server behind
	// it is not to see.
	Key(text string) bool
}

// MalformedError is what a client has sent that cannot be read exactly.
type MalformedError struct{ Reason string }

func (e *MalformedError) Error() string { return e.Reason }

func malformed(reason string) error { return &MalformedError{reason} }

// packets reads the packets of one connection, one after the other.
type packets struct {
	judge    Judge
	pending  int  // attachments that are still to come
	stripped bool // something was taken out of the packet that was read last
}

// text reads an Engine.IO packet of a text message.
func (p *packets) text(packet []byte) error {
	if len(packet) == 0 {
		return malformed("an empty Engine.IO packet")
	}
	data := packet[1:]
	switch packet[0] {
	case '1', '5', '6': // close, upgrade, noop
		if len(data) > 0 {
			return malformed("an Engine.IO packet with data that it cannot have")
		}
		return nil
	case '2', '3': // ping and pong
		if len(data) > 0 && string(data) != "probe" {
			return malformed("an Engine.IO ping with other data than probe")
		}
		return nil
	case '4':
		return p.message(data)
	case 'b': // in base64, which the server decodes and nobody else reads
		return p.binary()
	}
	return malformed("an Engine.IO packet of an unknown type")
}

// binary reads a binary message: an attachment of the event before it.
func (p *packets) binary() error {
	if p.pending == 0 {
		return malformed("a binary message that belongs to no event")
	}
	p.pending--
	return nil
}

// The types of Socket.IO packets that clients send.
const (
	connect     = '0'
	disconnect  = '1'
	event       = '2'
	ack         = '3'
	binaryEvent = '5'
	binaryAck   = '6'
)

// message reads a Socket.IO packet:
//
//	<type>[<attachments>-][<namespace>,][<ack id>][<JSON>]
func (p *packets) message(packet []byte) error {
	if p.pending > 0 {
		return malformed("a Socket.IO packet before the attachments of the one before it")
	}
	if len(packet) == 0 {
		return malformed("an empty Socket.IO packet")
	}
	kind, rest := packet[0], packet[1:]
	if kind == binaryEvent || kind == binaryAck {
		digits := leadingDigits(rest)
		count, err := strconv.Atoi(string(rest[:digits]))
		if err != nil || count > maxAttachments || digits == len(rest) || rest[digits] != '-' {
			return malformed("a Socket.IO packet with an illegal number of attachments")
		}
		p.pending, rest = count, rest[digits+1:]
	}
	if kind == connect {
		p.strip(rest)
	}
	if len(rest) > 0 && rest[0] == '/' {
		namespace, after, _ := bytes.Cut(rest, []byte(","))
		if len(namespace) > 1 {
			return p.judge.Event(string(namespace), nil)
		}
		rest = after
	}
	id := leadingDigits(rest)
	rest = rest[id:]
	switch kind {
	case connect:
		if id > 0 || len(rest) > 0 && (rest[0] != '{' || !json.Valid(rest)) {
			return malformed("a Socket.IO packet of the type CONNECT with other data than an object")
		}
		return nil
	case disconnect:
		if id > 0 || len(rest) > 0 {
			return malformed("a Socket.IO packet of the type DISCONNECT with data")
		}
		return nil
	case ack, binaryAck:
		if id == 0 || len(rest) == 0 || rest[0] != '[' || !json.Valid(rest) {
			return malformed("a Socket.IO acknowledgement without its id or a list")
		}
		return nil
	case event, binaryEvent:
		name, err := eventName(rest)
		if err != nil {
			return err
		}
		return p.judge.Event(name, rest)
	}
	return malformed("a Socket.IO packet of a type that clients do not send")
}

// strip takes the keys out of a CONNECT packet, where clients of a server that
// asks for one put theirs. An empty string stands in the place of each, with
// white space up to the same length, so that frames and bodies keep theirs.
func (p *packets) strip(data []byte) {
	for at := bytes.IndexByte(data, '"'); at >= 0; at = bytes.IndexByte(data, '"') {
		end := nameEnd(data[at:])
		if end == 0 {
			return
		}
		token := data[at : at+end]
		data = data[at+end:]
		var text string
		if json.Unmarshal(token, &text) != nil || !p.judge.Key(text) {
			continue
		}
		copy(token, bytes.Repeat([]byte{' '}, len(token)))
		token[0], token[1] = '"', '"'
		p.stripped = true
	}
}

func leadingDigits(text []byte) int {
	for i, c := range text {
		if c < '0' || c > '9' {
			return i
		}
	}
	return len(text)
}

var errEventName = malformed("a Socket.IO event without a name")

// eventName is the first item of the list that an event's arguments are: a
// string, or a number, which servers make a string of.
func eventName(args []byte) (string, error) {
	if len(args) == 0 || args[0] != '[' {
		return "", errEventName
	}
	rest := bytes.TrimLeft(args[1:], " \t\r\n")
	end := nameEnd(rest)
	if end == 0 {
		return "", errEventName
	}
	after := bytes.TrimLeft(rest[end:], " \t\r\n")
	if len(after) == 0 || after[0] != ',' && after[0] != ']' {
		return "", errEventName
	}
	token := rest[:end]
	if token[0] == '"' {
		var name string
		if err := json.Unmarshal(token, &name); err != nil {
			return "", errEventName
		}
		return name, nil
	}
	number, err := strconv.ParseFloat(string(token), 64)
	if err != nil || !json.Valid(token) {
		return "", errEventName
	}
	return strconv.FormatFloat(number, 'f', -1, 64), nil
}

// nameEnd is where the string or the number ends that text begins with; 0 if
// it begins with neither.
func nameEnd(text []byte) int {
	if len(text) == 0 {
		return 0
	}
	if text[0] == '"' {
		for i := 1; i < len(text); i++ {
			switch text[i] {
			case '\\':
				i++
			case '"':
				return i + 1
			}
		}
		return 0
	}
	end := bytes.IndexAny(text, ",] \t\r\n")
	return max(end, 0)
}

// separator stands between the packets of a polling body.
const separator = 0x1e

// Polling reads the body of a POST of the polling transport, and takes the keys
// out of it.
func Polling(body []byte, judge Judge) error {
	p := packets{judge: judge}
	for packet := range bytes.SplitSeq(body, []byte{separator}) {
		if err := p.text(packet); err != nil {
			return err
		}
	}
	if p.pending > 0 {
		return malformed("an event without all of its attachments in the same body")
	}
	return nil
}
