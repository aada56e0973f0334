// Package urlpath brings the paths of requests into the one form in which they
// are judged and forwarded, and judges the patterns that they are held against.
package urlpath

import (
	"errors"
	"net/url"
	"path"
	"strings"
	"unicode/utf8"
)

// Why a path is refused instead of cleaned. In each case a backend might read
// the path otherwise than the gate does, so no check on it would hold.
var (
	errRelative  = errors.New("the path does not start with a slash")
	errSlash     = errors.New("the path contains an encoded slash")
	errBackslash = errors.New("the path contains a backslash")
	errControl   = errors.New("the path contains a control character")
	errUTF8      = errors.New("the path is not valid UTF-8")
	errDouble    = errors.New("the path is percent-encoded twice")
	errDots      = errors.New("the path contains a dot segment with parameters")
	errFragment  = errors.New("the query contains a #, behind which some backends read nothing")
	errParams    = errors.New("the path contains a semicolon, behind which some backends read parameters that are no part of it")
)

// Clean returns the one form of a URL's path in which it is matched and
// then forwarded: percent-decoded once, without empty, "." and ".." segments
// (RFC 3986, 5.2.4 and 6.2.2), with a trailing slash kept. Upper and lower
// case are kept too: Caddy's matchers, ElizaOS and the route tables all ignore
// case. A path that different servers read differently is an error, and so is a
// query with a fragment behind it, which no request has (RFC 9110, 7.1): what
// stands there would be judged here, and not be seen by the backend.
//
// Clean changes nothing, and cleaning a clean path returns it.
func Clean(u *url.URL) (string, error) {
	cleaned, err := CleanWithParameters(u)
	if err == nil && strings.Contains(cleaned, ";") {
		return "", errParams
	}
	return cleaned, err
}

// CleanWithParameters is Clean for a backend to which a semicolon is a letter
// like others, or whose paths have parameters (RFC 3986, section 3.3) that the
// checks on paths are meant to see.
func CleanWithParameters(u *url.URL) (string, error) {
	if strings.IndexByte(u.RawQuery, '#') >= 0 {
		return "", errFragment
	}
	p := u.Path
	if IsPlain(p) && u.RawPath == "" {
		return p, nil
	}
	if p == "" || p[0] != '/' {
		return "", errRelative
	}
	if raw := u.RawPath; raw != "" {
		if containsFold(raw, "%2f") {
			return "", errSlash
		}
	}
	if !utf8.ValidString(p) {
		return "", errUTF8
	}
	for i := 0; i < len(p); i++ {
		switch c := p[i]; {
		case c == '\\':
			return "", errBackslash
		case c < 0x20 || c == 0x7f:
			return "", errControl
		case c == '%' && i+2 < len(p) && isHex(p[i+1]) && isHex(p[i+2]):
			return "", errDouble
		}
	}
	for segment := range strings.SplitSeq(p, "/") {
		if before, _, has := strings.Cut(segment, ";"); has && (before == "." || before == "..") {
			return "", errDots
		}
	}
	cleaned := path.Clean(p)
	if cleaned != "/" && (strings.HasSuffix(p, "/") || strings.HasSuffix(p, "/.") || strings.HasSuffix(p, "/..")) {
		cleaned += "/"
	}
	return cleaned, nil
}

// IsPlain reports whether p is clean beyond doubt: nothing in it but
// slashes, each followed by something, and bytes that no server reads in two
// ways. It is the common case and costs one pass.
func IsPlain(p string) bool {
	if p == "" || p[0] != '/' {
		return false
	}
	for i := 0; i < len(p); i++ {
		switch c := p[i]; {
		case c == '/':
			if i+1 < len(p) && (p[i+1] == '/' || p[i+1] == '.') {
				return false
			}
		case c == '%' || c == '\\' || c == ';' || c < 0x20 || c >= 0x7f:
			return false
		}
	}
	return true
}

func isHex(c byte) bool {
	return c >= '0' && c <= '9' || c >= 'a' && c <= 'f' || c >= 'A' && c <= 'F'
}

func containsFold(s, lower string) bool {
	return strings.Contains(strings.ToLower(s), lower)
}

// Under reports whether a cleaned path is a folder or lies in it, without
// regard to case, as backends read it.
func Under(path, folder string) bool {
	return len(path) >= len(folder) && strings.EqualFold(path[:len(folder)], folder) &&
		(len(path) == len(folder) || path[len(folder)] == '/')
}
