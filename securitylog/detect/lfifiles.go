package detect

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
		"vfstab", "dfstab", "release", "defaultrouter", "nodename", "path_to_inst", "auto_master", "auto.master", "shadow.old", "opasswd",
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
	"logs":    wordSet([]string{"access.log", "error.log", "access_log", "error_log"}),
	"log":     wordSet([]string{"access.log", "error.log", "access_log", "error_log", "auth.log", "syslog"}),
	".svn":    wordSet([]string{"entries", "wc.db"}),
	".hg":     wordSet([]string{"hgrc", "store"}),
}

// systemRoots are directories that start an absolute path of a system; "usr" and "opt" need one of the names below them.
var systemRoots = map[string]words{
	"etc": nil, "proc": nil, "root": nil, "boot": nil, "windows": nil, "winnt": nil, "inetpub": nil, "xampp": nil, "wamp": nil, "lampp": nil,
	"var": nil, "sys": systemFiles["sys"], "dev": systemFiles["dev"], "private": wordSet([]string{"etc", "var", "tmp"}),
	"www":     wordSet([]string{"logs", "htdocs", "conf", "apache", "apache2", "php"}),
	"usr":     wordSet([]string{"local", "bin", "sbin", "lib", "lib64", "share", "etc", "pkg", "pkgsrc", "ports", "adm", "spool", "home", "libexec", "internet", "apache", "apache2", "src", "include"}),
	"opt":     wordSet([]string{"lampp", "lamp", "bitnami", "xampp", "apache", "apache2", "httpd", "nginx", "tomcat", "jboss", "nsconfig", "splunk", "oracle", "ibm", "mysql", "wildfly", "sap", "vmware"}),
	"library": wordSet([]string{"webserver", "application support", "preferences", "keychains", "logs"}), "volumes": wordSet([]string{"macintosh_hd1", "macintosh_hd", "macintosh hd", "webbackup"}),
	"program files": nil, "program files (x86)": nil, "progra~1": nil, "documents and settings": nil, "mysql": wordSet([]string{"bin", "data", "my.ini", "my.cnf"}),
	"run": wordSet([]string{"secrets", "log", "utmp"}), "srv": nil, "logs": nil, "apache": wordSet([]string{"logs", "log", "conf", "php", "bin"}),
	"apache2": wordSet([]string{"logs", "log", "conf"}), "php": wordSet([]string{"php.ini", "sessions"}),
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
