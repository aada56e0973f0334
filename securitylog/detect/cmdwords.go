package detect

import "bytes"

// commandKind says how sure the name of a command is.
type commandKind uint8

const (
	cmdWord  commandKind = iota + 1 // an English word too
	cmdArg                          // nothing but its arguments tell it from a word
	cmdShort                        // short or rare enough that little else is meant
	cmdSure                         // nothing else is meant
)

var commands = func() *dictionary[commandKind] {
	m := map[string]commandKind{}
	add := func(k commandKind, names ...string) {
		for _, n := range names {
			m[n] = k
		}
	}
	add(cmdWord, "cat", "cd", "chat", "comp", "copy", "cut", "date", "dir", "diff", "echo", "expand", "export", "file", "find", "finger", "fold", "for", "format", "free", "git", "go", "groups", "head", "help",
		"history", "host", "hostname", "if", "java", "join", "jobs", "kill", "last", "less", "link", "locate", "login", "look", "mail", "make", "man", "more", "mount", "move", "net", "nice", "node", "od", "open", "paste",
		"perl", "php", "ping", "pip", "print", "printf", "python", "read", "reg", "rename", "reset", "ruby", "sc", "screen", "script", "service", "set", "show", "sleep", "sort", "source", "split", "start", "stat", "strings", "sudo", "tail", "tar",
		"tasks", "test", "time", "timeout", "top", "touch", "tree", "type", "uptime", "users", "ver", "vi", "view", "vol", "wait", "watch", "wall", "where", "which", "who", "while", "write", "yes", "zip", "env", "exec", "eval", "route", "reboot", "shell", "tac", "dd", "rev", "true", "false", "exit", "until", "function", "command")
	add(cmdArg, "nl", "usleep", "expr", "pr", "uniq", "install", "fmt", "ed", "ex", "cu", "ld", "ar", "at", "fold", "column", "base32", "paste", "uconv", "rmt", "top", "cc", "c89", "c99", "shuf", "tsort", "csplit", "comm", "cmp", "basename", "dirname", "seq", "jq", "yq", "say")
	add(cmdShort, "apt-get", "id", "ls", "ll", "ps", "pwd", "cp", "mv", "rm", "df", "du", "sh", "nc", "awk", "sed", "tr", "wc", "xxd", "gcc", "cc", "lua", "tclsh", "arp", "dig", "ftp", "tftp", "scp", "ssh", "su", "bg", "fg", "uname", "grep", "egrep", "fgrep", "zcat", "md5sum", "base64", "bash", "csh", "ksh", "zsh", "dash", "tcsh", "ash",
		"chmod", "chown", "crontab", "telnet", "nmap", "curl", "wget", "rsync", "gdb", "vim", "nano", "emacs", "openssl", "socat", "tee", "xargs", "gzip", "gunzip", "mkdir", "rmdir", "cmd", "del", "md", "rd", "attrib", "cacls", "assoc", "wmic", "cls", "tasklist", "python2", "python3", "perl5", "pip3", "npm", "npx", "docker", "kubectl", "apt", "yum", "rpm", "dpkg", "lsof", "strace", "sha1sum", "iconv", "ltrace", "ss", "ip", "printenv", "lynx", "fetch", "mysql", "psql", "sqlite3", "irb", "gem", "nohup", "setsid", "alias", "unset", "unalias", "pkill", "killall", "pgrep", "rpcinfo", "lp", "uuencode", "uudecode", "sendmail", "mailx", "mutt", "getent", "time_t", "busybox", "ncat", "mknod", "mkfifo", "cpio", "dpkg-query", "perl6", "ruby2")
	add(cmdWord, "aptitude", "brew", "snap", "chef", "puppet", "rake", "knife", "crash", "dialog", "shred", "cipher", "subst", "erase", "expand", "facter", "octave", "julia", "trap", "flock", "perf", "bridge", "calc", "notepad", "mspaint")
	add(cmdArg, "ab", "ul", "pic", "pg", "dirs", "umask", "pry", "c89", "c99")
	add(cmdShort, "regedit", "7z", "7za", "aria2c", "bunzip2", "bzip2", "certbot", "cmake", "cpan", "dnf", "pacman", "zypper", "apk", "pip2", "pipx", "pidof", "pkexec", "psftp", "rlogin", "rsh", "run-parts", "sha224sum", "sha256sum", "sha384sum", "sha512sum",
		"smbclient", "start-stop-daemon", "terraform", "tmux", "troff", "unexpand", "uuidgen", "valgrind", "vimdiff", "virsh", "w3m", "lftp", "loginctl", "logrotate", "mysqladmin", "mysqldump", "pg_dump", "nft", "getcap", "setcap", "setfacl", "getfacl", "modprobe",
		"insmod", "rmmod", "lspci", "lsusb", "blkid", "fdisk", "mkfs", "umount", "hostnamectl", "timedatectl", "ufw", "firewall-cmd", "iwconfig", "nmcli", "sysctl", "xcopy", "robocopy", "chkdsk", "diskpart", "findstr", "fsutil", "msiexec", "runas", "tskill", "winrm", "winrs", "wuauclt", "esentutl", "cmstp",
		"odbcconf", "mavinject", "doskey", "nltest", "psexec", "dsquery", "auditpol", "iwr", "iex", "irm", "iwmi", "xzless", "xzmore", "zgrep", "rmt-dump", "rmt-tar", ".shell", ".system", "userdel", "groupdel", "groupmod", "lwp-request", "lwp-download", "mtr", "hping3", "fping")
	add(cmdWord, "ln", "arch", "typeset", "declare", "readlink", "realpath", "unzip", "xz", "gpg", "svn", "podman", "gcloud", "ulimit", "readonly")
	add(cmdShort, "chcon", "chgrp", "cksum", "hostid", "logname", "mktemp", "nproc", "numfmt", "pathchk", "runcon", "stty", "vdir", "shopt", "mapfile", "popd", "pushd", "readarray", "sftp", "ping6", "tracepath", "vmstat", "iostat", "lastb", "objdump", "quser")
	add(cmdSure, "compgen", "invoke-webrequest", "invoke-expression", "invoke-restmethod", "invoke-command", "start-bitstransfer", "add-mppreference", "set-mppreference", "ansible-config", "ansible-console", "ansible-doc", "ansible-galaxy", "ansible-inventory", "ansible-pull", "ansible-vault",
		"chef-client", "chef-run", "chef-shell", "chef-solo", "chef-vault", "cscli")
	add(cmdSure, "whoami", "ifconfig", "ipconfig", "netstat", "nslookup", "systeminfo", "traceroute", "tracert", "powershell", "pwsh", "certutil", "bitsadmin", "mshta", "regsvr32", "rundll32", "schtasks", "netsh", "qwinsta", "taskkill", "net1", "cscript", "wscript", "nc.traditional", "netcat", "lsb_release", "dmesg", "useradd", "adduser", "passwd", "visudo", "iptables", "systemctl", "shutdown", "halt", "poweroff", "sysinfo", "lastlog", "lastlogin", "htop", "bsdtar", "ansible", "ansible-playbook", "journalctl", "lsns", "nsenter", "unshare", "logsave", "ssh-keygen", "ssh-keyscan", "ssh-copy-id", "tcpdump", "tshark", "zsoelim", "xmodmap", "wish", "rlwrap", "rvim", "rview", "runscript", "dmsetup", "debugfs", "cpulimit", "chroot", "hexdump", "gtester", "genisoimage", "ionice", "ltrace", "mawk", "nawk", "gawk", "pidstat", "posh", "readelf", "restic", "sqlmap", "stdbuf", "sshpass", "systemd-run", "taskset", "unlzma", "unxz", "unzstd", "zstdcat", "zless", "zmore", "bzcat", "lzcat", "xzcat", "bcdboot", "bcdedit", "icacls", "takeown", "installutil", "msbuild", "regasm", "forfiles", "phpinfo", "lsattr", "findmnt", "lsmod", "lscpu", "lsblk", "ethtool", "nbtstat", "gpresult", "getmac", "driverquery", "wevtutil", "vssadmin", "chsh", "usermod", "groupadd")
	return dictionaryOf(m)
}()

// commandKindOf returns what a name is as a command, 0 for none.
func commandKindOf(name []byte) commandKind { return commands.of(name) }

// runnerKindOf returns how a word runs the command behind it, 0 when it does not.
func runnerKindOf(word []byte) uint8 { return runners.of(word) }

// products are programs that people talk about by name.
var products = wordSet([]string{"docker", "kubectl", "npm", "npx", "mysql", "psql", "sqlite3", "bash", "zsh", "vim", "nano", "emacs", "ssh", "ftp", "curl", "wget", "grep", "sed", "awk", "gcc", "lua", "python3", "pip3", "rsync", "openssl", "terraform", "cmake", "tmux", "apt", "yum"})

// developers are programs that people who write software tell each other to run, and attackers seldom have.
var developers = wordSet([]string{"docker", "kubectl", "npm", "npx", "terraform", "cmake", "git", "java", "node", "make", "go", "pip", "pip3", "pipx", "gem", "rake", "brew", "virsh", "restic"})

const (
	runReserved = iota + 1 // a word of the shell's own grammar that a command follows
	runProgram             // a program that runs what its arguments say
)

// runners are the words behind which a shell or a program runs a command.
var runners = dictionaryOf(map[string]uint8{
	"do": runReserved, "then": runReserved, "else": runReserved, "elif": runReserved, "if": runReserved, "while": runReserved, "until": runReserved,
	"sudo": runProgram, "doas": runProgram, "nohup": runProgram, "env": runProgram, "exec": runProgram, "eval": runProgram, "time": runProgram,
	"xargs": runProgram, "nice": runProgram, "strace": runProgram, "setsid": runProgram, "command": runProgram, "builtin": runProgram, "busybox": runProgram,
})

// bareCommands are those that attackers send to a shell they have placed: a text that begins with one and goes on as commands do is one.
var bareCommands = wordSet([]string{"wget", "curl", "ping", "nc", "ncat", "bash", "sh", "ksh", "zsh", "csh", "ls", "uname", "telnet", "id", "ps", "cmd", "tftp", "python2", "python3", "nohup", "busybox", "chmod", "chown", "ssh", "scp", "base64", "xxd", "awk", "iwr", "iex", "irm", "ll", "gunzip", "zcat"})

const (
	callWord = iota + 1 // a common name: the argument must be a command
	callSure            // a name for running commands
)

var shellCalls = dictionaryOf(map[string]uint8{
	"system": callWord, "exec": callWord, "eval": callWord, "execute": callWord, "spawn": callWord, "popen": callSure, "shell_exec": callSure, "passthru": callSure, "proc_open": callSure, "pcntl_exec": callSure,
	"execsync": callSure, "spawnsync": callSure, "execfile": callWord, "assert": callWord, "call_user_func": callSure, "call_user_func_array": callSure, "create_function": callSure, "preg_replace": callWord, "file_get_contents": callWord, "file_put_contents": callWord,
	"shellexecute": callSure, "winexec": callSure, "check_output": callSure, "getoutput": callSure, "base64_decode": callWord, "gzinflate": callSure, "str_rot13": callWord, "fsockopen": callWord, "readfile": callWord, "show_source": callSure, "highlight_file": callSure, "curl_exec": callWord, "createobject": callWord, "print": callWord, "printf": callWord, "qx": callWord, "include": callWord, "fopen": callWord, "unserialize": callWord,
})

// cmdlet reports whether a name is one of PowerShell's: a verb, a hyphen and a noun.
func cmdlet(name []byte) bool {
	verb, noun, ok := bytes.Cut(name, []byte{'-'})
	return ok && cmdletVerbs.has(verb) && cmdletNouns.has(noun)
}

var (
	cmdletVerbs = wordSet([]string{"add", "clear", "compare", "convertfrom", "convertto", "copy", "disable", "enable", "enter", "export", "find", "foreach", "format", "get", "group", "import", "install", "invoke", "join", "measure", "move", "new", "out", "pop", "push", "read", "receive", "register", "remove", "rename", "reset", "resolve", "restart", "restore", "resume", "save", "select", "send", "set", "sort", "split", "start", "stop", "suspend", "tee", "test", "trace", "update", "wait", "where", "write"})
	cmdletNouns = wordSet([]string{"acl", "alias", "authenticodesignature", "childitem", "ciminstance", "clixml", "clipboard", "command", "computer", "content", "credential", "csv", "culture", "eventlog", "executionpolicy", "expression", "host", "hotfix", "item", "itemproperty", "job", "json", "localuser", "localgroup", "localgroupmember", "location", "member", "module", "netadapter", "netipaddress", "netipconfiguration", "nettcpconnection", "object", "process", "psdrive", "pssession", "pssnapin", "psprovider", "restmethod", "runspace", "scheduledtask", "securestring", "service", "string", "tracesource", "uiculture", "variable", "webrequest", "wmimethod", "wmiobject", "xml"})
)
