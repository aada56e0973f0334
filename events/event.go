// Package events is the vocabulary of Gatehouse's security events and their
// one reporter. Every other room describes what happened as an [Event] and
// hands it to the [Reporter]; how it is logged, counted and published is
// decided here and nowhere else.
//
// It knows nothing of handlers, keys or limits.
package events

import (
	"net/netip"
	"net/url"

	"go.uber.org/zap/zapcore"
)

// Name is the name of a kind of event. Where the OWASP Logging Vocabulary has
// a name for it, that name is used; the others follow its pattern. The set is
// closed, so that metrics labelled with it are bounded.
type Name string

// The events of the gate.
const (
	// AuthnFail: no key, or one that is not valid here, was presented where a key is needed.
	AuthnFail Name = "authn_login_fail"
	// AuthzFail: the caller is known but may not do this.
	AuthzFail Name = "authz_fail"
	// RateLimited: a limit was exceeded.
	RateLimited Name = "excess_rate_limit_exceeded"
	// InputInvalid: a request was refused for its form: path, framing, type, size.
	InputInvalid Name = "input_validation_fail"
	// CrossOriginRefused: a page of another origin asked for what it may not have.
	CrossOriginRefused Name = "malicious_cors"
	// BackendLimited: the backend refused a request by a limit of its own.
	BackendLimited Name = "sys_backend_limited"
	// KeyCreated: a key was made.
	KeyCreated Name = "authn_token_created"
	// KeyRevoked: a key or one of its secrets was taken back.
	KeyRevoked Name = "authn_token_revoked"
	// KeyDeleted: a key is no longer in the key file.
	KeyDeleted Name = "authn_token_delete"
	// RightsChanged: a key may do other things than before.
	RightsChanged Name = "authz_change"
	// AdminCall: a caller did what needs the scope admin. It stands in the audit trail alone.
	AdminCall Name = "authz_admin"
	// Started: the gate has started.
	Started Name = "sys_startup"
	// Reloaded: another configuration is in force.
	Reloaded Name = "sys_restart"
	// Stopped: the gate ends.
	Stopped Name = "sys_shutdown"
	// AuditBroken: the audit trail is not what was written.
	AuditBroken Name = "sys_audit_broken"
	// AuditFailed: the audit trail cannot be written; requests go on.
	AuditFailed Name = "sys_audit_failed"
	// KeyFileBroken: the key file cannot be used, and the last good keys hold.
	KeyFileBroken Name = "sys_key_file_broken"
	// KeyExposed: a valid key was sent where others could read it.
	KeyExposed Name = "authn_token_exposed"
	// LimitStoreAway: the store of shared limits does not answer, and each gate counts for itself.
	LimitStoreAway Name = "sys_limit_store_away"
	// LimitStoreBack: the store of shared limits answers again.
	LimitStoreBack Name = "sys_limit_store_back"
	// LimitStoreEmptied: the store of shared limits has lost what it counted.
	LimitStoreEmptied Name = "sys_limit_store_emptied"
	// ManyEvents: a flood came from so many sources that they are summed up together.
	ManyEvents Name = "sys_events_summed"
	// DangerAccepted: a dangerous setting was accepted by the operator and is in force.
	DangerAccepted Name = "sys_danger_accepted"
)

// Event is one thing that happened and that somebody responsible for the gate
// may have to know. Text from the request goes into the fields only, never
// into the message, so that a hostile request cannot forge a line.
type Event struct {
	Name Name
	// Message is a constant sentence that starts with "[SECURITY]", with
	// nothing in it from outside but a validated client address and, where
	// Endpoint asks for it, the escaped path.
	Message string
	// Endpoint has the request's path named at the end of the message.
	Endpoint bool
	// Level is the severity. The zero value is zapcore.InfoLevel; refusals
	// are reported at zapcore.WarnLevel.
	Level zapcore.Level

	ClientIP  netip.Addr
	KeyID     string
	Method    string
	URI       string
	UserAgent string
	RequestID string
	// Tier is the limit that was exceeded, if one was.
	Tier string
	// Class is the attack patterns that were recognised, by their short names
	// with spaces between: "sqli traversal".
	Class string
	// Rule names what in the configuration decided: a scope, a pattern, a list.
	Rule string
	// Step is the handler that refused, by its name in a Caddyfile.
	Step string
	// Reason says why, and what to do, for the person who reads the log at night.
	Reason string
	// More is how many events a line sums up that were not written one by one.
	More int
	// Enforced is false where the gate only observed and let the request pass.
	Enforced bool
}

// From appends the client's address to a message of the documents' form,
// "[SECURITY] Unauthorized access attempt from 192.168.1.100". An address
// that is not known (a unix socket has none) is called "unknown".
func From(message string, client netip.Addr) string {
	if !client.IsValid() {
		return message + " unknown"
	}
	return message + " " + client.String()
}

// At appends the path of a request to a message of the documents' form, "...,
// endpoint: /api/media/upload". It is percent-encoded, so that no path can
// pass for another sentence or another line.
func At(message, path string) string {
	path = (&url.URL{Path: path}).EscapedPath()
	return message + ", endpoint: " + Text(Redact(path), maxURI)
}
