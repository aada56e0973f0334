package detect_test

import (
	"net/url"
	"slices"
	"testing"

	"github.com/gatehouse-dev/caddy-gatehouse/securitylog/detect"
)

// rules are texts by the rule that must be named for them: what a person reads in the log, and what an operator ignores by.
var rules = map[string][]string{
	"sqli-union":      {"-1 union select null", "-1 union select case when 2=2 then 3 end", "-1 union 2,3--", "1 union select 1,2"},
	"sqli-obfuscated": {"-1/*a*/union"},
	"sqli-tautology":  {"or uid like char(42)", "' having 3=3", "x' where a=2 --", "' is 0 = '", "1*(pin) and 8=3", "1 or ~2=~2", "1 or !2=!2", "1 or -2=-2", "1 or +2=+2", `or '{"b":2}'::jsonb @> '{"a":1}'`, `'{"a":{"b":1}}'::json #>> '{a,b}'`, `'[1]'::jsonb #- '{1}'`, "; or '1'='2'", "pi() and sin(2)=0", ") like (", "' like (select", "x' like x--"},
	"sqli-boolean": {`\' or`, "x' or 1 limit", "x' or 1 where", "x' or 2=", "1 or 4--", "x' or 5", "x' and 6;", "x' or uid>", "(case when pi() then 4 end)", "case '1' when 'a' then 5", "1||lpad(pin,7,1)", "x'or current_date*0", "7 or (null)",
		"(case when 3=3 then 1 else null end)", "1,(case when 4=4 then 1 else 2 end)", "x' or case 2 when pin then 1 end", "x' or null", "9 or /* + hint */ true", "'or glob(pin,2);"},
	"sqli-function":  {"1,utl_inaddr.get_host_name((2))", "x' or load_file('a')", "5+((0/ascii(substring(pin,1,1))", "user(user())", "coercibility(user())"},
	"sqli-time":      {"1,dbms_pipe.receive_message(('a'),9)", ") waitfor delay '0:0:9'", "2 waitfor delay '0:0:9'"},
	"sqli-subquery":  {"1 or (select 2)", "x' select pin from staff", "1 like (select 2)", "x'+(select 1)"},
	"sqli-clause":    {"'1' into outfile ('a')", "@x into outfile (substring('a',1))", "x' order by pin", "x') group by pin", "limit 0,1--", "x' in boolean mode"},
	"sqli-schema":    {"x' from dual", "(pin) from information_schema.tables", "x, master..sysdatabases", "x' information_schema", "@@datadir", "x' @@version"},
	"sqli-comment":   {"张三'--", "x';--", "';#"},
	"sqli-concat":    {"x'='", "'='", "x'||(pin)", "x'+char(65)", "x'-sleep(2)", "' sounds like '", "'like'"},
	"sqli-statement": {"update low_priority staff set pin=2 where uid=3", "delete quick from staff where uid=3", "' grant dba to eve--", "copy staff from '/x'", "select @@version"},
	"sqli-stacked":   {"x ' ;-- y", "x'; waitfor delay '0:0:9'", "x' waitfor delay '0:0:9'", "x' declare @a int", "x' shutdown--"},

	"log4shell-jndi": {"jndi:ldap://h.example/a"},

	"xxe-entity": {"+ADwAIQ-ENTITY a SYSTEM +ACI-b+ACI +AD4", "&lt;!ENTITY a 'b'&gt;"},

	"nosqli-where":  {`{"$where":"1"}`},
	"nosqli-script": {";sleep(6000)", "x;var d=new date();do{x}while(1)", "' (function(){var a=new Date();while(new Date()-a<9);})() '"},

	"xss-code":      {"([![]]+[])[+[]]", "while(!![]);"},
	"xss-attribute": {"a style=\"x:expression(go())\"", "<x style=behavior:url(a.htc)>", "style=x:url(javascript:go())", "<style>@import 'x'", "<x xmlns=\"http://h\">", "<x src=\"javascript:go()\"", "<x content=\"0;url=javascript:go()\">", "<x dirname=a>", "\" src=javascript:go()", "<x a=&{go()}>"},
	"xss-script":    {"<a:script>go()", "&ltscript&gtgo()", "<scr\x00ipt>go()"},
	"js-scheme":     {"please click on this link here javascript:go()", "javascript:void(0);go()", "javascript:;go()", "javascript:void go()", "style = background : url ( javascript : go() )", "javascript: //x\ngo()"},
	"js-data":       {"data:;base64,PHN2Zz4=", "data:,<b>x", "data:text/xml,x"},
	"xss-handler":   {"\" onfocus=x", "<x/onclick=go()>", "<x \"onclick=go()>", "<x a=b;onclick=go()>", "<x a=b,onclick=go()>", "<x a=(b)onclick=go()>", "<onclick=go()>", "<x *onclick=go()>", "<x a:onclick=go()>", "<x a\u00a0onclick=go()>"},
	"xss-element":   {"<iframe>", "<embed src=//h>", "<svg/", "<style>a{b:expression(c)}"},
	"xss-scheme":    {"see javascript:go()"},

	"ssti-arithmetic": {"[[${7*7}]]", "@(6*6)", "~{5+5}"},
	"ssti-object":     {"{{ a.__class__ }}", "{{ a: b.__class__ }}", "{$smarty.now}", "{php}phpinfo();{/php}", "[#if x.getClass()]"},
	"ssti-call":       {"{{\tread(`x`)\n}}", "{{\x00read(`x`)}}", "{system('x')}", "<#assign x=\"freemarker.template\"?new()>", "{if system('x')}{/if}"},
	"ssti-directive":  {"=cmd|'/c calc'!a0", "#foreach($x in $y)", "@(system.diagnostics.process)"},

	"cmdi-code":       {"a;exit(md5(7));//", "你好<?php echo 1;", "how to say it in one line <?php system(y)", "how to say it in one line <?php echo $_GET[y]"},
	"cmdi-shellshock": {`() { (x)=>\\' }`},
	"cmdi-object":     {`O:3:"Job":1:{s:1:"a";i:2;}`, `a:1:{i:0;O:+5:"Acme\X":0:{}}`},
	"cmdi-subshell":   {"x$(id)", "`id`", "x`uname -a`", "<(id)"},
	"cmdi-command":    {"a;b;id", "a;b;whoami", "10.0.0.7;date", "ls;id;", ";x=${#y}", ";x=${y:1:2}", "sleep 7", "alias x='rm y'", ";if [ -f x ]", "|while [ 1 ]", "w'h'oami", `w\ho\ami`, "w^ho^ami", ";x=$(id)", ";cat *", ";cat ~/x", ";sh ./x", ";cat ../x", ";ls>x", ";cat < x", ";sudo ls x", "ls ;", ";cat x /etc/y", ";perl x -e y", ">/tmp/x", ">> /var/x", "id||", "netstat ; ", "'(cat /x) #", "';cat x #"},
	"cmdi-windows":    {"x & cmd.exe /c dir", "(cmd.exe /c dir)", "|cmd.exe", ";net.exe user", "&tasklist.bat"},

	"crlf-header":   {"x\r\nhost: h.example", "x\r\nx-any: b", "x\nany-name:b"},
	"crlf-response": {"\n\n<script>go()</script>"},

	"lfi-wrapper":  {`file:c:\x`, "file:///x", "file://h.example", "data://text/plain,x", "data:text/plain;base64,PD9", "local_file://x", "jar:http://h.example/a!/b"},
	"lfi-absolute": {`\\h.example\share`, `c:windows\x`, `d:/x/y`, `e:\x\y`, "c:/program files/x", "c:/users/all users/a.log", "c:/program data (x86)/iis/admincmd.exe.config", `e:\some folder\other folder\a.txt`, "/www/logs/x", "/usr/local/x", "/srv/x", "/home/joe/.x", "/private/tmp/x", "/opt/lampp/x", "/library/webserver/x", "/volumes/webbackup/x", "/mysql/data/x", "/run/secrets/x", "/apache/php/x", "/apache2/conf/x", "/php/sessions/x"},
	"rfi-internal": {"http://joe@169.254.169.254/x", "http://[::ffff:7f00:1]/"},
	"lfi-file":     {"/logs/access_log", "/logs/error_log", "/etc/passwd;x", "/etc/passwd#x", "/etc/passwd?x", "/etc/passwd&x", "c:windowswin.ini", "c:boot.ini", "/proc/1/x", "x/.pgpass", `x\unattend.xml`},

	"traversal-broken": {"??/boot.ini", ".?/boot.ini", "?./?./x"},
	"traversal-dots":   {"............boot.ini"},
	"traversal-dotdot": {"0x2e0x2e0x5cx", "/..", "/..{file}"},
}

// rulesOfTargets are the same for what can only stand in a target as it is written.
var rulesOfTargets = map[string][]string{
	"traversal-broken": {"/static/..%c0%b4/..%c0%b4/boot.ini", "/..%bg%qf..%bg%qf", "/x?f=..%bg%qfetc", "/x?f=%c0%b4%c0%b4/etc/x", "/x?f=.%ue123./x", "/x?f=/.%ue123/etc", "/x?f=.%ue123/.%ue123/x", "/x?f=%ue123%ue123%ue123%ue123"},
	"lfi-file": {"/proc/self/environ", "/sys/kernel/x", "/dev/mem/x", "/boot/grub/x", "/var/spool/x", "/windows/system32/x", "/winnt/repair/x", "/root/.viminfo", "/meta-inf/maven/x", "/inetpub/wwwroot/x", "/x/.ssh/identity", "/x/.aws/credentials", "/x/.docker/secrets",
		"/x/.kube/config", "/log/syslog", "/logs/access.log", "/.svn/entries", "/.hg/hgrc", "/etc/opt/x.conf", "/etc/make.conf", "/static/.htpasswd", "/d?f=....web-inf/web.xml", `/static/\log\access_log`, "/a/b/.mysql_history", "/static/x/system.ini"},
	"traversal-overlong": {"/x?f=%c0%ae%c0%ae/%c0%afx"},
	"cmdi-command":       {"/p?h=1&cat+/etc/x"},
	"lfi-absolute":       {"/static/C:/x/y", `/static/C:\x\y`, "/usr/spool/x", "/d?f=/etc/rpc", "/opt/oracle/x"},
	"js-prototype":       {"/x?__proto__[a]=b", "/x?a=1&__proto__.a=b", "/x?a[__proto__][b]=c", "/x?constructor[prototype][a]=b", "/x?constructor.prototype.a=b", "/x?a[constructor][prototype]=b", "/x?__proto__%5Ba%5D=b", "/x?q=%7B%22__proto__%22:%7B%22a%22:1%7D%7D"},
	"cmdi-path":          {"/d?f=/bin/zsh"},
	"nosqli-operator":    {"/x?a[$gt]=", "/x?a[$gte]=b", "/x?a[$lt]=5x", "/x?a[$eq]=", "/x?a[$ne]=1", "/x?a[$gt][$ne]=1", "/x?a[$ne][$gt]=5", "/x?a[$gt]=e5", "/x?a[$gt][0]=1", "/x?a[$in][0]=1"},
	"crlf-header":        {"/x?q=%E5%98%8A%E5%98%8Dset-cookie:%20a", "/x?q=\u560dlocation:/a", "/x/y%0aany-name:b", "/x%0d%0aany-name:%20b"},
	"cmdi-code":          {"/x?function=call_user_func_array&vars[0]=a", "/x?callback=system", "/x?a[%23post_render][]=passthru", "/x?func=phpinfo"},
}

func TestRulesAreNamed(t *testing.T) {
	d := detect.New(detect.Options{})
	check := func(rule, target string) {
		if found := d.Target(target); !slices.ContainsFunc(found, func(f detect.Finding) bool { return f.Rule == rule }) {
			t.Errorf("%s: %s: found %v", rule, target, found)
		}
	}
	for rule, texts := range rules {
		for _, text := range texts {
			check(rule, "/s?lang=en&q="+url.QueryEscape(text))
		}
	}
	for rule, targets := range rulesOfTargets {
		for _, target := range targets {
			check(rule, target)
		}
	}
}
