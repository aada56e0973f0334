package detect

import "bytes"

// The lfi rules know files of the server by name. They read a text as a path from its first byte, so that a sentence that mentions
// /etc/hosts is not taken for a request of it.
//
//	lfi-file      a well-known file: /etc/passwd, /proc/self/environ, boot.ini, WEB-INF/web.xml
//	lfi-absolute  any absolute system path as a parameter's value
//	lfi-wrapper   file:, php:, phar: and other stream wrappers
func (s *scan) lfi(t *text) {
	b := trimBlank(t.b)
	if len(b) < 4 {
		return
	}
	step(len(b))
	if t.marks&(markSlash|markBackslash|markColon|markDot|markWild) == 0 {
		return
	}
	if rule := wrapper(b, t.where == InPath, t.prose); t.marks&markColon != 0 && rule != "" {
		s.report(t.place, LFI, rule)
		return
	}
	if t.prose || hasSentenceSpace(t, b) {
		return
	}
	if rule := s.serverFile(t, b); rule != "" {
		s.report(t.place, LFI, rule)
	}
}

// hasSentenceSpace reports whether b holds a space that is not one of the few well-known paths with spaces in them.
func hasSentenceSpace(t *text, b []byte) bool {
	return bytes.IndexByte(b, ' ') >= 0 && !t.signs.has(signSpacedPath)
}

// wrapper recognises stream wrappers at the start of a text, or after an equals sign or a quote in it.
func wrapper(b []byte, path, prose bool) string {
	for i := 0; i < len(b); i++ {
		if b[i] != ':' {
			continue
		}
		if path && i == 0 {
			continue
		}
		j := i
		for j > 0 && (isWordByte(b[j-1]) || b[j-1] == '.') && i-j < 24 {
			j--
		}
		step(1 + i - j)
		if j == i || j > 0 && !(path && j == 1) && b[j-1] != '=' && !isQuote(b[j-1]) && b[j-1] != ':' && b[j-1] != '(' && b[j-1] != '|' {
			continue
		}
		if path && j > 1 || prose && j > 0 {
			continue
		}
		scheme, rest := b[j:i], b[i+1:]
		switch string(scheme) {
		case "file", "netdoc", "local_file":
			if at(rest, 0) == '/' || at(rest, 0) == '\\' || len(rest) > 2 && isLetter(rest[0]) && rest[1] == ':' ||
				bytes.HasSuffix(rest, []byte("boot.ini")) {
				return "lfi-wrapper"
			}
		case "php", "phar", "zip", "rar", "glob", "expect", "ogg", "ssh2", "ssh2.exec", "ssh2.shell", "zlib", "compress.zlib", "compress.bzip2", "jar":
			if hasPrefixAt(rest, 0, "//") || string(scheme) == "php" && bytes.IndexByte(rest, ':') > 0 ||
				string(scheme) == "jar" && (hasPrefixAt(rest, 0, "http") || hasPrefixAt(rest, 0, "file")) {
				return "lfi-wrapper"
			}
		case "data":
			if hasPrefixAt(rest, 0, "//text/") || hasPrefixAt(rest, 0, "//,") || hasPrefixAt(rest, 0, "text/plain;base64,pd9") {
				return "lfi-wrapper"
			}
		}
	}
	return ""
}

// systemFiles are names under a system directory that nothing but the system reads. A name ending in * stands for its beginnings.
var systemFiles = map[string]words{
	"etc": wordSet([]string{
		"passwd", "passwd-", "shadow", "shadow-", "gshadow", "group", "group-", "hosts", "hostname", "issue", "issue.net", "motd", "fstab",
		"mtab", "crontab", "cron.d", "cron.daily", "cron.hourly", "cron.weekly", "cron.monthly", "cron.allow", "cron.deny", "anacrontab",
		"profile", "profile.d", "bashrc", "bash.bashrc", "environment", "inittab", "init.d", "rc.d", "rc.local", "rc.conf", "networks",
		"network", "netplan", "resolv.conf", "sysctl.conf", "sysconfig", "sudoers", "sudoers.d", "ssh", "ssl", "pam.d", "pam.conf", "security",
		"apache", "apache2", "httpd", "nginx", "lighttpd", "lighttpd.conf", "php", "php.ini", "php5", "php4", "php.d", "mysql", "my.cnf", "postgresql",
		"redis", "mongod.conf", "mongodb.conf", "vsftpd.conf", "vsftpd", "proftpd", "proftpd.conf", "proftp.conf", "pure-ftpd", "pure-ftpd.conf", "ftpusers",
		"ftpaccess", "ftphosts", "wu-ftpd", "exports", "samba", "smb.conf", "snmp", "openldap", "ldap", "krb5.conf", "krb5.keytab", "kerberos",
		"ld.so.conf", "ld.so.preload", "lsb-release", "os-release", "redhat-release", "debian_version", "fedora-release", "gentoo-release",
		"suse-release", "system-release", "centos-release", "slackware-version", "alpine-release", "login.defs", "logrotate.conf", "logrotate.d",
		"syslog.conf", "rsyslog.conf", "rsyslog.d", "syslog-ng", "services", "protocols", "shells", "securetty", "aliases", "allow", "at.allow", "at.deny",
		"modules.conf", "modules", "hosts.allow", "hosts.deny", "hosts.equiv", "host.conf", "inetd.conf", "xinetd.conf", "xinetd.d", "updatedb.conf",
		"dovecot", "postfix", "exim4", "mail", "chttp.conf", "knockd.conf", "cups", "wgetrc", "webmin", "grub.conf", "grub.d", "default",
		"docker", "kubernetes", "consul", "vault", "rsyncd.conf", "rsyncd.secrets", "subuid", "subgid", "machine-id", "timezone", "tomcat", "bootptab", "hostconfig",
		"master.passwd", "spwd.db", "pwd.db", "passwd.bak", "shadow.bak", "x11", "makedev", "crypttab", "sensors.conf", "utmp", "wtmp", "termcap", "polkit-1", "systemd",
		"ca-certificates.conf", "apt", "yum.conf", "yum.repos.d", "adduser.conf", "deluser.conf", "nsswitch.conf", "netconfig", "clamav", "fail2ban", "phpmyadmin",
	}),
	"proc": wordSet([]string{
		"self", "thread-self", "version", "cmdline", "cpuinfo", "meminfo", "mounts", "net", "sched_debug", "stat", "partitions", "filesystems", "devices",
		"interrupts", "ioports", "modules", "swaps", "uptime", "loadavg", "kcore", "kallsyms", "config.gz", "sys", "1", "[0-9]*", "mdstat", "buddyinfo", "diskstats",
	}),
	"sys":     wordSet([]string{"class", "kernel", "devices", "block", "firmware", "fs", "module", "hypervisor"}),
	"dev":     wordSet([]string{"tcp", "udp", "mem", "kmem", "random", "urandom", "zero", "sda", "sda1", "shm", "stdin", "fd"}),
	"boot":    wordSet([]string{"grub", "grub2", "efi", "config", "loader"}),
	"var":     wordSet([]string{"log", "adm", "spool", "run", "mail", "lib", "db", "apache", "apache2", "cpanel", "www", "webmin", "mysql", "lock", "cache", "backups", "htmp", "yp", "named", "vm", "nm"}),
	"windows": wordSet([]string{"win.ini", "system.ini", "system32", "repair", "panther", "debug", "php.ini", "my.ini", "iis.log", "iis6.log", "iis7.log", "iis8.log", "windowsupdate.log", "setupact.log", "csc", "syswow64", "explorer.exe", "notepad.exe", "system", "temp", "tasks", "winsxs", "bootstat.dat"}),
	"winnt":   wordSet([]string{"win.ini", "system.ini", "system32", "repair", "php.ini", "my.ini"}),
	"root":    wordSet([]string{".ssh", ".bash_history", ".bashrc", ".profile", ".bash_logout", ".bash_profile", ".bash_config", ".mysql_history", ".viminfo", ".my.cnf", ".aws", ".kube", ".docker", ".gnupg", ".history", ".xauthority", ".ksh_history", ".atfp_history", ".zshrc", ".zsh_history", ".netrc", ".git-credentials", ".config", "anaconda-ks.cfg"}),
	"web-inf": wordSet([]string{"web.xml", "classes", "lib", "config", "weblogic.xml", "struts-config.xml", "applicationcontext.xml", "spring"}),
	"meta-inf": wordSet([]string{
		"manifest.mf", "context.xml", "maven",
	}),
	"inetpub": wordSet([]string{"wwwroot", "logs", "ftproot", "adminscripts", "mailroot", "iissamples", "scripts"}),
	".ssh":    wordSet([]string{"id_rsa", "id_dsa", "id_ecdsa", "id_ed25519", "authorized_keys", "known_hosts", "config", "identity", "id_rsa.pub", "id_rsa.keystore"}),
	".aws":    wordSet([]string{"credentials", "config"}),
	".docker": wordSet([]string{"config.json", "secrets"}),
	".kube":   wordSet([]string{"config"}),
	".git":    wordSet([]string{"config", "head", "index", "logs", "objects", "refs", "description", "credentials"}),
	".svn":    wordSet([]string{"entries", "wc.db"}),
	".hg":     wordSet([]string{"hgrc", "store"}),
}

// systemRoots are directories that start an absolute path of a system; "usr" and "opt" need one of the names below them.
var systemRoots = map[string]words{
	"etc": nil, "proc": nil, "root": nil, "boot": nil, "windows": nil, "winnt": nil, "inetpub": nil, "xampp": nil, "wamp": nil, "lampp": nil,
	"var": nil, "sys": systemFiles["sys"], "dev": systemFiles["dev"], "private": wordSet([]string{"etc", "var", "tmp"}),
	"usr":     wordSet([]string{"local", "bin", "sbin", "lib", "lib64", "share", "etc", "pkg", "pkgsrc", "ports", "adm", "spool", "home", "libexec", "internet", "apache", "apache2", "src", "include"}),
	"opt":     wordSet([]string{"lampp", "lamp", "bitnami", "xampp", "apache", "apache2", "httpd", "nginx", "tomcat", "jboss", "nsconfig", "splunk", "oracle", "ibm", "mysql", "wildfly", "sap", "vmware"}),
	"bin":     wordSet([]string{"sh", "bash", "cat", "ls", "id", "ps", "nc", "sleep", "ping", "dash", "zsh"}),
	"library": wordSet([]string{"webserver", "application support", "preferences", "keychains", "logs"}), "volumes": wordSet([]string{"macintosh_hd1", "macintosh_hd", "macintosh hd", "webbackup"}),
	"program files": nil, "program files (x86)": nil, "progra~1": nil, "documents and settings": nil, "mysql": wordSet([]string{"bin", "data", "my.ini", "my.cnf"}),
	"tmp": wordSet([]string{"sess_", "shell.php", "access.log"}), "apache": wordSet([]string{"logs", "log", "conf", "php", "bin"}),
	"apache2": wordSet([]string{"logs", "log", "conf"}), "php": wordSet([]string{"php.ini", "sessions"}), "logs": wordSet([]string{"access.log", "error.log", "access_log", "error_log"}),
}

// looseFiles are names that are a server's own wherever they stand as the last segment.
var looseFiles = wordSet([]string{
	"boot.ini", "win.ini", "win.in", "system.ini", "web.config", ".htpasswd", ".htaccess", ".bash_history", ".mysql_history", ".bashrc", ".netrc", ".pgpass", ".git-credentials",
	"id_rsa", "id_dsa", "id_ed25519", "authorized_keys", "httpd.conf", "php.ini", "my.cnf", "my.ini", "sam", "wp-config.php", "global.asa", "global.asax", "sysprep.inf",
	"unattend.xml", "unattended.xml", "ntuser.dat", "pagefile.sys", "autoexec.bat", "tomcat-users.xml", "server.xml", "machine.config", "applicationhost.config",
	"access_log", "error_log", "access.log", "error.log", "httpd-access.log", "httpd-error.log", "other_vhosts_access.log", "auth.log", "proftpd.log", "vsftpd.log",
})

// dotFiles are names that may be asked for as the whole path or value only.
var dotFiles = wordSet([]string{".env", ".env.local", ".env.production", ".env.bak", ".env.backup", ".env.dev", ".htaccess", ".htpasswd", ".bash_history", ".npmrc", ".dockerenv", ".ds_store", ".netrc", ".pgpass", ".history", ".zsh_history"})

// serverFile judges b as a path. A parameter's value may be any absolute path of the system; in a site's own path, where /etc/designs
// or /var can be a page, only a file known by name counts.
func (s *scan) serverFile(t *text, b []byte) string {
	b = cutTail(b)
	inPath := t.where == InPath
	absolute := b[0] == '/' || b[0] == '\\'
	drive := false
	var prev, first []byte
	for depth := 0; len(b) > 0 && depth < 64; {
		seg := b
		if i := indexSlash(b); i >= 0 {
			seg, b = b[:i], b[i+1:]
		} else {
			b = nil
		}
		if bytes.HasPrefix(seg, []byte("..")) {
			seg = bytes.TrimLeft(seg, ".")
		}
		if len(seg) == 0 || string(seg) == "." {
			continue
		}
		if len(seg) >= 2 && isLetter(seg[0]) && seg[1] == ':' && (depth == 0 || inPath) {
			drive, absolute, depth, prev = true, true, 0, nil
			if seg = seg[2:]; len(seg) == 0 {
				continue
			}
			if looseDrive(seg) {
				return "lfi-file"
			}
		}
		if depth++; depth == 1 {
			first = seg
		}
		last := onlySlashes(b)
		switch {
		case depth > 1 && systemFile(prev, seg) && (depth == 2 || !inPath && !common(prev) || !common(prev) && !pageLike(prev)):
			return "lfi-file"
		case last && depth > 2 && string(first) == "etc" && configFile(seg):
			return "lfi-file"
		case last && s.namedFile(t, seg, depth, absolute):
			return "lfi-file"
		case drive:
			if depth > 1 || !inPath {
				return "lfi-absolute"
			}
		case inPath:
			if absolute && depth == 2 && (string(prev) == "opt" || string(prev) == "usr" || string(prev) == "volumes") && systemRoots[string(prev)].has(seg) || bytes.HasPrefix(prev, []byte("program files")) || bytes.HasPrefix(prev, []byte("documents and")) {
				return "lfi-absolute"
			}
		case absolute && depth == 2:
			if names, ok := systemRoots[string(prev)]; ok && (names == nil || names.has(seg)) {
				return "lfi-absolute"
			}
			if string(prev) == "home" && (bytes.HasPrefix(b, []byte(".")) || bytes.HasPrefix(b, []byte("public_html"))) {
				return "lfi-absolute"
			}
		}
		prev = seg
	}
	return ""
}

func systemFile(dir, name []byte) bool {
	names, ok := systemFiles[string(dir)]
	if !ok {
		return false
	}
	stem, _, _ := bytes.Cut(name, []byte{'.'})
	return names.has(name) || string(dir) == "proc" && allDigits(name) || string(dir) == "etc" && (configFile(name) || len(stem) > 0 && len(stem) < len(name) && names.has(stem))
}

// configFile reports whether a name ends as files of settings do.
func configFile(name []byte) bool {
	for _, ext := range []string{".conf", ".cnf", ".cfg", ".ini", ".rc"} {
		if len(name) > len(ext) && bytes.HasSuffix(name, []byte(ext)) {
			return true
		}
	}
	return false
}

// common reports whether a directory's name is too usual to mean the system's when other directories stand before it.
func common(dir []byte) bool {
	switch string(dir) {
	case "var", "sys", "dev", "boot", "library":
		return true
	}
	return false
}

// pageLike reports whether a directory's name can be a section of a web site.
func pageLike(dir []byte) bool { return string(dir) == "windows" || string(dir) == ".git" }

// namedFile judges a path's last segment by itself.
func (s *scan) namedFile(t *text, name []byte, depth int, absolute bool) bool {
	if t.where == InPath {
		return depth == 1 && (dotFiles.has(name) || looseFiles.has(name) && name[0] != '.' && string(name) != "sam") || name[0] != '.' && iniFiles.has(name)
	}
	return depth == 1 && dotFiles.has(name) && (absolute || fileParameter(t.name)) || looseFiles.has(name) && (absolute || depth > 1 || fileParameter(t.name))
}

// iniFiles are names that no site serves.
var iniFiles = wordSet([]string{"boot.ini", "win.ini", "system.ini"})

// looseDrive recognises a path after a drive letter whose separators were lost on the way: "c:boot.ini".
func looseDrive(b []byte) bool {
	return looseFiles.has(b) || bytes.HasPrefix(b, []byte("windows")) && bytes.HasSuffix(b, []byte(".ini"))
}

// onlySlashes reports whether nothing but slashes is left of a path.
func onlySlashes(b []byte) bool {
	for i, c := range b {
		if c != '/' && c != '\\' {
			step(i + 1)
			return false
		}
	}
	return true
}

// indexSlash returns the position of the first slash or backslash, or -1.
func indexSlash(b []byte) int {
	for i, c := range b {
		if c == '/' || c == '\\' {
			step(i + 1)
			return i
		}
	}
	step(len(b))
	return -1
}

// cutTail cuts what is put behind a file name to satisfy an extension check: a null byte, a query, a fragment, a parameter.
func cutTail(b []byte) []byte {
	for i, c := range b {
		if i > 0 && (c == 0 || c == '?' || c == '#' || c == ';') {
			b = b[:i]
			break
		}
	}
	return bytes.TrimRight(b, "\r\n \t")
}

func allDigits(b []byte) bool {
	for _, c := range b {
		if !isDigit(c) {
			return false
		}
	}
	return len(b) > 0
}
