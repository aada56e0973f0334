package events

// The attack patterns. OWASP's vocabulary has names for two of them; the
// others are ours, of the same form, each named for its class of patterns.
const (
	// AttackTool: the User-Agent is a scanner's, or an attack itself.
	AttackTool Name = "malicious_attack_tool"
	// AttackSQLi: SQL injection.
	AttackSQLi Name = "malicious_sqli"
	// AttackXSS: markup or script that a page would run.
	AttackXSS Name = "malicious_xss"
	// AttackJS: a script or data URL that a browser would run.
	AttackJS Name = "malicious_js"
	// AttackTraversal: a dot-dot path.
	AttackTraversal Name = "malicious_traversal"
	// AttackLFI: a file of the server, named absolutely or through a wrapper.
	AttackLFI Name = "malicious_lfi"
	// AttackRFI: a remote script or an internal address to be fetched.
	AttackRFI Name = "malicious_rfi"
	// AttackCmdI: shell commands, or code that starts them.
	AttackCmdI Name = "malicious_cmdi"
	// AttackLog4Shell: lookups of Log4j.
	AttackLog4Shell Name = "malicious_log4shell"
	// AttackSSTI: template and expression injection.
	AttackSSTI Name = "malicious_ssti"
	// AttackNoSQLi: operators and scripts of document databases.
	AttackNoSQLi Name = "malicious_nosqli"
	// AttackCRLF: a header smuggled behind a line break.
	AttackCRLF Name = "malicious_crlf"
	// AttackXXE: XML external entities.
	AttackXXE Name = "malicious_xxe"
)
