// Package headers is the browser's side of the gate: the handlers
// agent_headers (security headers) and agent_cors (which other origins may
// read responses). What they decide lies in the engines policy and cors, which
// know nothing of Caddy.
//
// Both set their headers at once, so that refusals of any handler and errors
// of the proxy carry them, and look at them again when the response starts, so
// that a backend's copies never double them.
package headers
