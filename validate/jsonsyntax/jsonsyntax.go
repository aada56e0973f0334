// Package jsonsyntax is the engine that checks a JSON text (RFC 8259) as it
// streams by: its syntax and how deep it nests. It keeps one byte for each open
// bracket and nothing of the text.
package jsonsyntax

import (
	"errors"
	"fmt"
)

// What is wrong with a text.
var (
	ErrSyntax     = errors.New("the body is not JSON")
	ErrIncomplete = errors.New("the JSON text is incomplete")
)

// DepthError says that a text nests deeper than it may.
type DepthError struct{ Max int }

func (e *DepthError) Error() string {
	return fmt.Sprintf("the JSON text nests deeper than %d", e.Max)
}

// Checker checks one text. Make it with New.
type Checker struct {
	state   state
	open    []byte // the brackets that are open
	max     int
	literal string // what is left of true, false or null
	hex     int    // hex digits that are still to come
	key     bool   // the string is an object's key
	mark    int    // bytes of the byte order mark that were seen
}

// New returns a checker that allows a nesting of maxDepth brackets.
func New(maxDepth int) *Checker { return &Checker{max: maxDepth} }

type state uint8

const (
	start      state = iota // the text's first bytes
	value                   // a value has to follow
	firstValue              // a value or ]
	firstKey                // a key or }
	nextKey                 // a key
	colon
	after // a value has ended
	inString
	escape
	unicode
	inLiteral
	minus
	zero
	digits
	point
	fraction
	exponent
	exponentSign
	exponentDigits
)

// byteOrderMark may stand before a text, though nobody should send it.
const byteOrderMark = "\xef\xbb\xbf"

// Write takes the next bytes of the text. After an error it is not to be
// called again.
func (c *Checker) Write(p []byte) error {
	for i := 0; i < len(p); i++ {
		if c.state == inString {
			for i < len(p) && p[i] != '"' && p[i] != '\\' && p[i] >= 0x20 {
				i++
			}
			if i == len(p) {
				return nil
			}
		}
		if err := c.step(p[i]); err != nil {
			return err
		}
	}
	return nil
}

// End says whether the text is complete.
func (c *Checker) End() error {
	switch c.state {
	case after, zero, digits, fraction, exponentDigits:
		if len(c.open) == 0 {
			return nil
		}
	}
	return ErrIncomplete
}

func space(b byte) bool { return b == ' ' || b == '\t' || b == '\n' || b == '\r' }

func digit(b byte) bool { return b >= '0' && b <= '9' }

func hexDigit(b byte) bool {
	return digit(b) || b >= 'a' && b <= 'f' || b >= 'A' && b <= 'F'
}

func (c *Checker) step(b byte) error {
	switch c.state {
	case start:
		if c.mark < len(byteOrderMark) && b == byteOrderMark[c.mark] {
			c.mark++
			return nil
		}
		if c.mark != 0 && c.mark != len(byteOrderMark) {
			return ErrSyntax
		}
		c.state = value
		return c.step(b)
	case value, firstValue, firstKey, nextKey, colon, after:
		if space(b) {
			return nil
		}
		return c.between(b)
	case inString:
		switch {
		case b == '"':
			c.state = after
			if c.key {
				c.state = colon
			}
		case b == '\\':
			c.state = escape
		case b < 0x20:
			return ErrSyntax
		}
		return nil
	case escape:
		switch b {
		case '"', '\\', '/', 'b', 'f', 'n', 'r', 't':
			c.state = inString
		case 'u':
			c.state, c.hex = unicode, 4
		default:
			return ErrSyntax
		}
		return nil
	case unicode:
		if !hexDigit(b) {
			return ErrSyntax
		}
		if c.hex--; c.hex == 0 {
			c.state = inString
		}
		return nil
	case inLiteral:
		if b != c.literal[0] {
			return ErrSyntax
		}
		if c.literal = c.literal[1:]; c.literal == "" {
			c.state = after
		}
		return nil
	}
	return c.number(b)
}

// between takes a byte that stands outside of strings, numbers and words.
func (c *Checker) between(b byte) error {
	switch c.state {
	case firstKey, nextKey:
		switch {
		case b == '"':
			c.state, c.key = inString, true
			return nil
		case b == '}' && c.state == firstKey:
			return c.shut('{')
		}
		return ErrSyntax
	case colon:
		if b != ':' {
			return ErrSyntax
		}
		c.state = value
		return nil
	case after:
		switch {
		case len(c.open) == 0:
			return ErrSyntax
		case b == ',' && c.open[len(c.open)-1] == '{':
			c.state = nextKey
			return nil
		case b == ',':
			c.state = value
			return nil
		case b == '}':
			return c.shut('{')
		case b == ']':
			return c.shut('[')
		}
		return ErrSyntax
	}
	if b == ']' && c.state == firstValue {
		return c.shut('[')
	}
	return c.begin(b)
}

// begin takes the first byte of a value.
func (c *Checker) begin(b byte) error {
	switch {
	case b == '{' || b == '[':
		if len(c.open) == c.max {
			return &DepthError{c.max}
		}
		c.open = append(c.open, b)
		c.state = firstValue
		if b == '{' {
			c.state = firstKey
		}
	case b == '"':
		c.state, c.key = inString, false
	case b == '-':
		c.state = minus
	case b == '0':
		c.state = zero
	case digit(b):
		c.state = digits
	case b == 't':
		c.state, c.literal = inLiteral, "rue"
	case b == 'f':
		c.state, c.literal = inLiteral, "alse"
	case b == 'n':
		c.state, c.literal = inLiteral, "ull"
	default:
		return ErrSyntax
	}
	return nil
}

func (c *Checker) shut(bracket byte) error {
	if len(c.open) == 0 || c.open[len(c.open)-1] != bracket {
		return ErrSyntax
	}
	c.open = c.open[:len(c.open)-1]
	c.state = after
	return nil
}

// number takes a byte behind the beginning of a number.
func (c *Checker) number(b byte) error {
	switch c.state {
	case minus:
		switch {
		case b == '0':
			c.state = zero
		case digit(b):
			c.state = digits
		default:
			return ErrSyntax
		}
		return nil
	case point, exponentSign:
		if !digit(b) {
			return ErrSyntax
		}
		if c.state == point {
			c.state = fraction
		} else {
			c.state = exponentDigits
		}
		return nil
	case exponent:
		switch {
		case b == '+' || b == '-':
			c.state = exponentSign
		case digit(b):
			c.state = exponentDigits
		default:
			return ErrSyntax
		}
		return nil
	}
	switch {
	case digit(b) && c.state != zero:
		return nil
	case b == '.' && (c.state == zero || c.state == digits):
		c.state = point
		return nil
	case (b == 'e' || b == 'E') && c.state != exponentDigits:
		c.state = exponent
		return nil
	}
	c.state = after
	return c.step(b)
}
