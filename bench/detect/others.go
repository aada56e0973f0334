package main

import (
	"net/url"
	"strings"

	"github.com/corazawaf/libinjection-go"
)

// elizaHit applies ElizaOS' own rules: three substrings of the raw URL and of the decoded query, any two of six words of SQL, and two
// substrings of the User-Agent.
func elizaHit(s sample) bool {
	if s.UserAgent != "" {
		return strings.Contains(s.UserAgent, "..") || strings.Contains(s.UserAgent, "<script")
	}
	decoded := ""
	if _, query, ok := strings.Cut(s.Target, "?"); ok {
		if values, err := url.ParseQuery(query); err == nil {
			for k, vs := range values {
				decoded += k + " " + strings.Join(vs, " ") + " "
			}
		}
	}
	words := 0
	lower := strings.ToLower(s.Target + " " + decoded)
	for _, w := range []string{"union", "select", "drop", "delete", "insert", "update"} {
		if strings.Contains(lower, w) {
			words++
		}
	}
	if words >= 2 {
		return true
	}
	for _, sign := range []string{"..", "<script", "javascript:"} {
		if strings.Contains(s.Target, sign) || strings.Contains(decoded, sign) {
			return true
		}
	}
	return false
}

// libinjectionHit asks libinjection about the decoded path, each decoded parameter, or the User-Agent.
func libinjectionHit(s sample) bool {
	hit := func(v string) bool {
		if v == "" {
			return false
		}
		sqli, _ := libinjection.IsSQLi(v)
		return sqli || libinjection.IsXSS(v)
	}
	if s.UserAgent != "" {
		return hit(s.UserAgent)
	}
	path, query, _ := strings.Cut(s.Target, "?")
	if p, err := url.PathUnescape(path); err == nil && hit(strings.TrimPrefix(p, "/")) {
		return true
	}
	for pair := range strings.SplitSeq(query, "&") {
		for part := range strings.SplitSeq(pair, "=") {
			if v, err := url.QueryUnescape(part); err == nil && hit(v) {
				return true
			}
		}
		_, value, _ := strings.Cut(pair, "=")
		if v, err := url.QueryUnescape(value); err == nil && hit(v) {
			return true
		}
	}
	return false
}
