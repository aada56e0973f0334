package detect_test

import (
	"net/url"
	"testing"

	"github.com/gatehouse-dev/caddy-gatehouse/securitylog/detect"
)

// honest are values of parameters as programs and people send them: filters of query languages, addresses, dates, formulas, shapes, code,
// messages of errors. Their punctuation is that of attacks.
var honest = []string{
	`<template match="/">`,
	`name~"O'Neil" OR phone:"+1"`, "startswith(name,'A') or $expand=Category($select=Name;$orderby=Name desc)", "id,name;date", "host;port;time", `what is the difference between ' and " in a shell?`,
	"You can read the password by `../../../../opt/x/password.properties`:", "an earlier version let in what came as `http://h.example/icons/../../../../etc/passwd` and more",
	"javascript:void(0)", "javascript:;", "javascript: void(0);", "javascript:void 0;", `{"href":"javascript:void(0);","top":1}`, "a{{\x07`x(1)=\x06}}", "https://ads.example/set?a=&uid=${USER_UUID}", "x;a=${b}",
	"sleep 8h", "sleep 12345", "sleep 8 hours", `C:\temp is full`, "c:/reports of last year/", "D:/that is sad", "嘊嘍", "嘊 set-cookie", "/www/about",
	`after={{ label: "step two", content: "import the file and fetch(x) from .env" }}`, "<h4>In JavaScript:</h4>", "<a name='js'>About JavaScript:</a>",
	"true; false", "yes; true", "index=main | stats count by host | sort -count", "source=a | sort -size, name", `"select * from"`, "The '80s and '90s hits", "'80s or '90s?", "sleep (8 hours); eat well", "benchmark (2024): 5x faster",
	"w:100;h:50", "fq=price:[10 TO 20] AND category:(books OR music)", `title:"foo bar" AND (status:open OR status:closed)`,
	"name eq 'Milk' and price lt 2.55", "contains(name,'O''Neil')", "startswith(Name,'A') eq true", "year(BirthDate) eq 1990",
	"rating ge 4 or (price le 10 and inStock eq true)", "$filter=tags/any(t:t eq 'x')", "age=gt=25;name==*Smith*,city=in=(A,B)",
	"status==active;created=ge=2024-01-01", "and(eq(name,x),or(gt(age,5),lt(age,3)))", `{"match":{"title":"x"}}`,
	`{"query":{"bool":{"must":[{"term":{"a":"b"}}]}}}`, `[{"field":"a","op":"eq","value":"b"}]`,
	`sum(rate(http_requests_total{job="x",code=~"5.."}[5m])) by (le)`, "histogram_quantile(0.95, sum by (le) (rate(x_bucket[5m])))",
	`{app="x"} |= "error" | json | line_format "{{.msg}}"`, "avg:system.cpu.user{host:web*} by {host}",
	`from(bucket:"x") |> range(start:-1h) |> filter(fn:(r)=>r._m=="cpu")`,
	"project = ABC AND fixVersion in unreleasedVersions() ORDER BY priority DESC", "assignee = currentUser() AND resolution = Unresolved",
	`is:issue is:open label:"good first issue" -label:wontfix`, "repo:a/b path:*.go symbol:Foo",
	`from:me has:attachment (subject:"invoice" OR subject:bill)`, "*/5 * * * *", "0 0 1 * * ?", "^[a-z0-9]+$",
	`^(?:\+?1[-. ]?)?\(?([0-9]{3})\)?$`, "(foo|bar)+baz?", `\d{3}-\d{4}`, `[^/]+\.js$`, "POINT(-71.06 42.28)",
	"POLYGON((0 0,1 1,1 0,0 0))", "48.8566,2.3522;51.5,-0.12", "bbox:-10,20,30,40", "2024-01-01T00:00:00Z/P1D", "2024-01-01..2024-12-31",
	"10..20", ">=1.2.3 <2.0.0", "^1.2.3 || ~2.0", "1.0.0-beta.2+build.5", "$1,234.56", "€50 & up", "50% off!", "50/50", "24/7",
	"1/2 cup; 3 tbsp", `5'11"`, "6' x 4'", "O'Brien; D'Angelo", "rock 'n' roll", `"exact phrase" -exclude`, "foo AND bar NOT baz",
	"a OR b", "cats|dogs|birds", "id|name|date", "red,green;blue", "key=value;key2=value2", "a=1&b=2", "Name <name@example.com>",
	"<name@example.com>", "<3", ":-) ;-) :'(", ">_<", `¯\_(ツ)_/¯`, `\o/`, "(╯°□°)╯", "user@host:~/path", "/home/user/project/main.go",
	"./run.sh", "~/notes.txt", "file.tar.gz", "/dev/null", "https://example.com/a?b=c&d=e#f", "http://localhost:3000/callback",
	"http://127.0.0.1:8080/", "ws://example.com/socket", "postgres://user:pass@host/db", "mongodb+srv://u:p@c.mongodb.net/x",
	"redis://localhost:6379", "s3://bucket/key", "git@github.com:a/b.git", "mailto:a@b.c", "tel:+1-555-0100",
	"data:image/png;base64,iVBORw0KGgo=", "magnet:?xt=urn:btih:abc", "urn:isbn:0451450523", "eyJhbGciOiJIUzI1NiJ9.eyJzdWIiOiIxIn0.c2ln",
	"550e8400-e29b-41d4-a716-446655440000", "$HOME/bin", "${name}", "{{name}}", "{name}", "%s %d", "%NAME%", "$x + $y = $z", "E = mc^2",
	"f(x) = x^2 + 2x - 1", `\frac{a}{b}`, `\alpha \le \beta`, "x -> y", "a => b", "a <= b >= c", "if (a > b) { return a; }",
	"for (i = 0; i < 10; i++) { sum += i; }", "x = [1, 2, 3]", `print("hello")`, "console.log('hi')", "def f(x): return x * 2",
	"SELECT a FROM b", `git commit -m "fix: bug"`, "docker run -it ubuntu", "npm install --save react", "ping google.com",
	"ssh user@host", "cd ..", "pip install requests", `echo "hello world"`, "export PATH=$PATH:/usr/bin", "chmod +x script.sh",
	`<div class="a">text</div>`, "<b>bold</b> and <i>italic</i>", "<br>", "<p>Hello</p>", "&nbsp;&copy; 2024", "&lt;tag&gt;",
	"[link](https://example.com)", "![img](a.png)", "**bold** _it_", "# Title", "| a | b |", "- item", "1. item", "```js", "const a = 1;",
	"color: red; font-size: 12px", ".class > #id:hover", "width: calc(100% - 10px)", "background:url(image.png)", "rgb(255, 0, 0)",
	"#ff0000", "translate(10px, 20px) rotate(45deg)", "M 10 10 L 20 20 Z", "AAPL,MSFT;GOOG", "EUR/USD", "BTC-USD", "A4; 80g/m2", "M8x20",
	`3/4" pipe`, `24" x 36"`, "Größe: L; Farbe: blau", "Q: what? A: that.", "T-shirt (blue); size M", `"quoted"`, "'quoted'",
	"it's; isn't", "a;b;c", "a,b,c", "a|b", "a||b", "a&&b", "!important", "x!=y", "a==b", "if a = b or c = d", "5 or 6",
	"MULTIPOLYGON(((1 1,5 1,5 5,1 5,1 1),(2 2,2 3,3 3,3 2,2 2)))", "SRID=4326;POINT(-44.3 60.1)", "ST_Intersects(geom, POINT(1 2))",
	"INTERSECTS(the_geom, POLYGON((1 2,3 4,5 6,1 2)))", "within(location, circle(1,2,3))", "geohash(9q8yyk)", "sort(+name,-age)",
	"select(name,age)&sort(-date)&limit(10,20)", "eq(name,foo)|ne(age,5)", "filter[name][eq]=foo",
	"(status:200 OR status:404) AND NOT path:/health", "status >= 500 and latency > 100ms", `user.name = "Bob" AND user.age > 30`,
	"_exists_:user AND _type:log", "x AND (y OR z) AND -w", "(a AND b) OR (c AND d)", "price < 100 && rating > 4", "a = 'b' OR c = 'd'",
	`level in ["error","warn"] and msg matches "time.*out"`, `resource.type="gce_instance" AND severity>=ERROR`,
	`logName:"syslog" jsonPayload.message=~"fail"`, "| where x > 5 | summarize count() by y", "index=main | head 10",
	"sourcetype=access_* status=404 | top uri", "?s ?p ?o . FILTER(?o > 5)", "MATCH (n:Person) WHERE n.age > 30 RETURN n",
	"{ user(id: 4) { name } }", `query { agents(first: 5, after: "x") { nodes { id } } }`,
	"mutation($id: ID!) { delete(id: $id) { ok } }", "jsonpath $.store.book[*].author", "$.items[?(@.price < 10)]",
	"/store/book[price>35]/title", `//div[@class="a"]/a[1]`, "div > p:nth-child(2) ~ span", `a[href^="https"]`, "count(*)", "max(price)",
	"avg(rating) > 4", "sum(a+b)/2", "date_trunc('month', ts)", "now()-7d", "now-1d/d", "now() - interval '1 day'", "lower(name)",
	"concat(first,' ',last)", "substring(name,1,3)", "if(a>b,a,b)", `IF(A1>10,"yes","no")`, "=SUM(A1:A10)", "=VLOOKUP(A2,B:C,2,FALSE)",
	`=A1&" "&B1`, "+1 (555) 010-0000", "(555) 010-0000 ext. 5", "#1 best-seller; free shipping!", `"Hello," she said. "How are you?"`,
	"'Tis the season; 'twas the night", "Don't; won't; can't", "L'été; l'hiver; qu'est-ce que c'est", "¿Cuánto cuesta? ¡50% más barato!",
	"Müller & Söhne GmbH; Köln", `中文（测试）；"引号"`, "日本語「引用」・テスト", `привет; как "дела"?`, "مرحبا؛ كيف الحال؟", `name="x"; path=/; secure`,
	"text/html; charset=utf-8", "application/json;q=0.9,*/*;q=0.8", "gzip, deflate, br;q=1.0", "en-US,en;q=0.5",
	"Mon, 02 Jan 2006 15:04:05 GMT", "2024-01-01 10:00:00+00:00", "P3Y6M4DT12H30M5S", "10:30-11:45; 14:00-15:00",
	"Mo-Fr 08:00-18:00; Sa 09:00-13:00", "route[0].lat=1.2", "arr[]=1", "a.b.c", "a/b/c", "a:b:c", "a::b", "std::vector<int>",
	"List<String> x = new ArrayList<>();", "Map<String, Integer>", `fn main() { println!("hi"); }`, "x => x.map(y => y * 2)",
	"const {a, b} = require('x')", "import os, sys", "from x import y", "try { a(); } catch (e) { throw e; }", "lambda x: x + 1",
	"[x for x in range(10)]", "{'a': 1, 'b': [2, 3]}", `{"a":1,"b":[2,3],"c":{"d":null}}`, "<note><to>Bob</to></note>",
	"@media (max-width: 600px) { a { color: red; } }", "$(document).ready(function(){ });", "window.location",
	"TypeError: Cannot read property 'x' of undefined", "Error: ENOENT: no such file or directory, open '/etc/app/config.json'",
	"java.lang.NullPointerException at com.x.Y.z(Y.java:10)", `Traceback (most recent call last): File "/usr/lib/python3/x.py", line 5`,
	"panic: runtime error: index out of range [5] with length 3", "ORA-00942: table or view does not exist",
	"ERROR 1064 (42000): You have an error in your SQL syntax; check the manual",
	"fatal: not a git repository (or any of the parent directories): .git", "bash: foo: command not found", "sh: 1: foo: not found",
	"segfault at 0 ip 00007f sp 00007f error 4", "exit code 127; signal 9", "npm ERR! code ELIFECYCLE", "0 errors, 2 warnings; done.",
	"50 > 40; 30 < 35", "1 + 1 = 2; 2 - 1 = 1", "3 x 4 = 12", "5 * (3 + 2) / 4 - 1", "a^2 + b^2 = c^2", "~10 min; ~5 km", "10-15; 20-25",
	"1,000,000.00", "-10°C; +5°F", "$5-$10",

	`color:red AND (size:L OR size:XL) NOT brand:"O'Neill"`, "O'Reilly and Sons; 'Best of' series", "cats 'n' dogs and fish",
	"it's 5 o'clock and I'm hungry", "he said 'yes' and she said 'no'", `"a" or "b"`, `either "red" or "blue"`, "either 'red' and 'blue'",
	"name='Bob' or name='Alice'", "x>5 and y<10", "1 and 2", "1 or 2 or 3", "2 and a half men", "one and two and three", "size 10 or 11",
	`24" or 27" monitor`, `27" 4K monitor -- refurbished`, "16GB RAM -- new", "item #5 -- red; qty 3", "Note -- read this first",
	"see #123; fixes #456", "fix(auth): don't log tokens; closes #12", "feat: add union types (#45)",
	"Merge branch 'main' into feature/x", `Revert "drop table support"`, "select one; any will do", "please select * from the list",
	"insert coin; press start", "update your profile; set a password", "delete from cart", "drop shadow; no border",
	"create table reservation for 4", "alter ego; truncate text", "exec summary; board deck", "execute order 66",
	"having fun; order by Friday", "limit 5 per customer", "group by team; sort by date", "where is it? who has it?",
	"like if you agree; share", "in (or out) of stock", "between 5 and 10", "not null and void", "is null island real?",
	"cast (2024) and crew", "if(empty) then retry", "case when it rains", "when in Rome; then do", "char broiled (medium)",
	"concat & merge", "substring of text (first 5)", "load file (pdf)", "version() of the app", "user() hook & database() layer",
	"count(*) > 5", "sum(price) > 100 and count(*) < 5", "max(a,b) or min(a,b)", "Math.max(1,2)", "arr[0] && arr[1]", "a ? b : c",
	"a?.b?.c", "!a && !b", "a & b | c ^ d", "1 << 3 | 2", "x += 1; y -= 1", "i++; j--", "--verbose --output=x.txt", "-a -b -c value",
	"-- comment", "// comment", "/* comment */", "# comment", "<!-- comment -->", "REM comment", "; ini comment", "% latex comment",
	"(echo done)", "echo done; exit", "make && make install", "make; make test", "a && b || c", "a; b; c && d", "start; stop; restart",
	"open | closed", "yes | no | maybe", "sort | uniq", "top 10 | best of", "find | replace", "cat | dog", "less is more | more is less",
	"who | what | where", "time | date | place", "mail | phone", "id | name | type", "man | woman", "ping | pong", "host | guest",
	"host=example.com; port=80", "env=prod; id=5", "date; time; place", "watch & wait", "make & model", "cut & paste", "stop & go",
	"salt & sort", "nice & easy", "wait & see", "Q&A; FAQ", "D&D; G&T", "AT&T; B&B", "M&M's; H&M", "rock&roll", "p&l; b/s", "a&b=c&d",
	"http://a/?x=1&y=2", "x=1&y='2'", "$a && $b", "${a} & ${b}", "$(jQuery)", "$(a) and $(b)", "`a` and `b`", "use `x`; then `y`",
	"run `npm test`; then commit", "the `id` column; the `name` column", "`id`, `name`, `date`", `the "id" | "name" columns`,
	"{id} or {name}", "{{id}} or {{ name }}", "{% if x %} a {% endif %}", "{% for a in b %}{{ a }}{% endfor %}", "<%= name %>",
	"<% if x %>", "#{name}", "#{user.name}", "@{link}", "*{title}", "[[name]]", "[[${name}]]", "${user.name:-guest}", "${HOST}:${PORT}",
	"%{host}", "%(name)s", "...more", ".env.example", ".gitignore", "file.php", "file.php?x=1", "http://example.com/file.php",
	"http://example.com/file.txt", "index.php?page=home", "config.ini", "boot.ini", "robots.txt", "onclick", "onload=", "onerror handler",
	"alert()", "prompt()", "document.cookie", "javascript:", "data:text/plain,hi", "vbscript", "expression",
}

func TestHonestValuesAreSilent(t *testing.T) {
	d := detect.New(detect.Options{})
	for _, value := range honest {
		if found := d.Target("/api/items?page=2&filter=" + url.QueryEscape(value)); found != nil {
			t.Errorf("%q: found %v", value, found)
		}
	}
	if found := d.Target("/posts/dumping-/proc/kcore/"); found != nil {
		t.Errorf("words of a title in a path: found %v", found)
	}
	for _, target := range []string{"/proc/kcore", "/a/proc/kcore", "/--/proc/kcore", "/s?q=x;false", "/s?q=x;true", "/s?q=x|sort+-o+/tmp/x", "/s?q=x|sort+-out+/etc/passwd", "/s?q=x;sort+-count"} {
		if d.Target(target) == nil {
			t.Errorf("%q: not found", target)
		}
	}
}
