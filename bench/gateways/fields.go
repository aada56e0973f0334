//go:build linux

package main

import (
	"crypto/tls"
	"fmt"
	"maps"
	"net/http"
	"slices"
	"strings"
)

// A field is a header field of a response.
type field struct{ Name, Value string }

// fields are what the gate puts on its answers. The others send the same: a field costs the server that writes it, and the client that reads
// it, about as much as a check does.
type fields struct {
	// Policy are those that every answer has alike, Strict-Transport-Security left out; they can be had from any server.
	Policy []field
	// HSTS is the value of Strict-Transport-Security, which answers over TLS have.
	HSTS string
	// CORS are those for the origin that asks, and Limits tell it of its limits, with the values that one answer had.
	CORS, Limits []field
}

// fieldsOf asks the gate for what it puts on an answer.
func fieldsOf(gate *contender) (f fields, err error) {
	plain, err := ask(gate, fmt.Sprintf("http://127.0.0.1:%d", gate.HTTP))
	if err != nil {
		return f, err
	}
	overTLS, err := ask(gate, fmt.Sprintf("https://127.0.0.1:%d", gate.HTTPS))
	if err != nil {
		return f, err
	}
	f.HSTS = overTLS.Get("Strict-Transport-Security")
	for _, name := range slices.Sorted(maps.Keys(plain)) {
		one := field{name, strings.Join(plain[name], ", ")}
		switch {
		case name == "Date" || name == "Etag" || name == "X-Request-Id" || strings.HasPrefix(name, "Content-") && name != "Content-Security-Policy":
			// of the answer's content, or of the request
		case strings.Contains(name, "Ratelimit"):
			f.Limits = append(f.Limits, one)
		case name == "Vary" || strings.HasPrefix(name, "Access-Control-"):
			f.CORS = append(f.CORS, one)
		default:
			f.Policy = append(f.Policy, one)
		}
	}
	if f.HSTS == "" || len(f.Policy) < 5 || len(f.CORS) < 2 || len(f.Limits) == 0 {
		return f, fmt.Errorf("the gate's answer has not the fields that it should: %v", plain)
	}
	return f, nil
}

func ask(c *contender, address string) (http.Header, error) {
	transport := &http.Transport{TLSClientConfig: &tls.Config{InsecureSkipVerify: true}} // a certificate of this run, on loopback
	defer transport.CloseIdleConnections()
	p := get(c)
	request, err := http.NewRequest(p.method, address+p.path, nil)
	if err != nil {
		return nil, err
	}
	request.Header = p.header
	response, err := transport.RoundTrip(request)
	if err != nil {
		return nil, err
	}
	defer response.Body.Close()
	if response.StatusCode != p.status {
		return nil, fmt.Errorf("the gate answers %s", response.Status)
	}
	return response.Header, nil
}

// CostOfFields says how bare Caddy with the gate's header fields did, and the gate beside it; "" if they were not measured.
func (r *report) CostOfFields() string {
	gate, fields := r.contender("gatehouse"), r.contender("fields")
	for _, t := range r.tables {
		if t.name == "json" {
			return fmt.Sprintf("With the same fields, and no check at all, bare Caddy (**fields**) has %.2f of its rate without them, and the gate %.2f of what is left.",
				t.beside(0, fields).median, t.beside(fields, gate).median)
		}
	}
	return ""
}
