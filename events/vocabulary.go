package events

import "go.uber.org/zap/zapcore"

// Kind describes one kind of event.
type Kind struct {
	Name Name
	// Level is the severity that its events have.
	Level zapcore.Level
	// OWASP is true where the name is one of the OWASP Logging Vocabulary.
	OWASP bool
}

// Vocabulary returns every kind of event there is, in the order of the
// documentation.
func Vocabulary() []Kind {
	const (
		info = zapcore.InfoLevel
		warn = zapcore.WarnLevel
		fail = zapcore.ErrorLevel
	)
	return []Kind{
		{AuthnFail, warn, true},
		{AuthzFail, warn, true},
		{RateLimited, warn, true},
		{InputInvalid, warn, true},
		{CrossOriginRefused, warn, true},
		{KeyExposed, fail, false},
		{AttackTool, warn, true},
		{AttackSQLi, warn, true},
		{AttackXSS, warn, false},
		{AttackJS, warn, false},
		{AttackTraversal, warn, false},
		{AttackLFI, warn, false},
		{AttackRFI, warn, false},
		{AttackCmdI, warn, false},
		{AttackLog4Shell, warn, false},
		{AttackSSTI, warn, false},
		{AttackNoSQLi, warn, false},
		{AttackCRLF, warn, false},
		{AttackXXE, warn, false},
		{KeyCreated, info, true},
		{KeyRevoked, warn, true},
		{KeyDeleted, warn, true},
		{RightsChanged, warn, true},
		{KeyFileBroken, fail, false},
		{BackendLimited, warn, false},
		{LimitStoreAway, fail, false},
		{LimitStoreBack, warn, false},
		{LimitStoreEmptied, fail, false},
		{AdminCall, info, true},
		{Started, info, true},
		{Reloaded, info, true},
		{Stopped, info, true},
		{AuditBroken, fail, false},
		{AuditFailed, fail, false},
		{DangerAccepted, warn, false},
		{ManyEvents, warn, false},
	}
}
