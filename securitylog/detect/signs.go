package detect

// sign is a group of literal strings that a rule asks for. All groups are looked for in one pass over a text.
type sign uint8

const (
	signUTF7           sign = iota // a script tag in UTF-7, or with high bits
	signUTF7Close                  // its end
	signLetterless                 // script written with brackets alone
	signUTF7Declares               // <! in UTF-7
	signStyle                      // style sheets that run script
	signStyleTag                   // <style
	signBinding                    // style sheets that run script, in full
	signPage                       // what a browser knows about its page, and what makes code of it
	signSelector                   // a style sheet's rule for everything, behind the end of another
	signEntity                     // <!entity
	signDocument                   // <![cdata[
	signInclude                    // XInclude, style sheets, schemas: what fetches another document
	signSheet                      // <xsl:
	signSheetReads                 // functions of style sheets that read files
	signWideBreak                  // U+560A, U+560D: line breaks when cut to a byte
	signWrittenBreak               // a line break, written out
	signJNDI                       // jndi
	signMongoThis                  // this. in a joined condition
	signMongoDB                    // db. methods
	signDate                       // new date()
	signLoop                       // while(
	signTemplateWalk               // from a value to classes, globals, configuration
	signTemplateCall               // functions of template engines and runtimes
	signDirective                  // template directives that nothing else looks like
	signDirectiveTalk              // template directives that talk about code may hold
	signShell                      // expansions of shells
	signServerSide                 // <!--#
	signServerSideTag              // #exec, #include
	signInterpreter                // cmd.exe, /bin/sh
	signInterpreterUse             // how those are called
	signCode                       // code that starts programs
	signCodeSure                   // the same, also amid talk
	signCodeOpens                  // PHP, which people show each other
	signCodeTakes                  // what a script of PHP is handed, and what it runs that by
	signSpacedPath                 // program files
	signCallback                   // hosts that report which servers call back
	signLiteralHex                 // 0x2e, 0x2f, 0x5c, written out
	signLeftover                   // ..2f: a separator that lost its percent sign
	signSemiSleep                  // ;sleep(
	signBrowser                    // browserWords
	signDoctype                    // <!doctype
	signProto                      // "__proto__"
	signAddress                    // an address of another host
	numSigns
)

var signStrings = [numSigns][]string{
	signUTF7:         {"+adw-", "adw-script", "adw-img", "adw-svg", "\xbcscript"},
	signUTF7Close:    {"ad4", "\xbe"},
	signUTF7Declares: {"+adwaiq-"},
	signLetterless:   {"(![]", "[![]]", "!![]"},
	signStyle: {"ession(", "expression", "url(", "binding:", "javascript:", "vbscript:", "-moz-binding", "behavior:", "behaviour:", "@import", "-o-link",
		"data:text", "exp/*", "xss:"},
	signStyleTag:       {"<style"},
	signBinding:        {"-moz-binding:url(", "-moz-binding: url(", "url(javascript:", "url('javascript:", "url(\"javascript:"},
	signPage:           {"substr", "location", "unescape", "atob(", "decodeuri", "fromcharcode", "document.", "window."},
	signSelector:       {"}*{"},
	signEntity:         {"<!entity", "<!attlist", "<!element", "<!notation"},
	signDocument:       {"<![cdata["},
	signInclude:        {"<?import", "<xml src", "<xml id", "<xi:include", "w3.org/2001/xinclude", "<xsl:include", "<xsl:import", "<xsl:stylesheet", "<xsl:transform", "w3.org/1999/xsl/transform", "schemalocation=\"", "schemalocation='"},
	signSheet:          {"<xsl:"},
	signSheetReads:     {"document(", "unparsed-text(", "system-property(", "php:function"},
	signWideBreak:      {"\u560a", "\u560d"},
	signWrittenBreak:   {writtenBreak},
	signJNDI:           {"jndi"},
	signMongoThis:      {"&& this.", "&&this.", "|| this.", "||this.", ".match(/", "this.constructor"},
	signMongoDB:        {".insert(", ".find(", ".remove(", ".drop(", ".update(", ".dropdatabase(", ".getcollection", "mapreduce("},
	signDate:           {"new date()"},
	signLoop:           {"while(", "while ("},
	signTemplateWalk:   {"$smarty.", "__", ".class", "mro", "getclass", "['class']", "[\"class\"]", "forname", "globals", "subclasses", "builtins", "|attr", ".constructor", "self.", "_self", "request.", "request[", "request|", "config.", "config[", "settings.secret", "lipsum", "cycler", "joiner", "getfilter", "registerundefined", ".env", "getenvironment", "process.", "mainmodule", "@java", "#context", "@ognl", "_memberaccess", "secret_key", ".bean", "springmacro", "facescontext", "applicationscope", "sessionscope", "pagecontext", "servletcontext", "app.request"},
	signTemplateCall:   {"system(", "exec(", "popen", "eval(", "passthru", "runtime", "processbuilder", "java.lang", "java.util", "t(java", "new ", "?new", "?api", "freemarker", "file.open", "file.read", "file.new", "file.exist", "file.join", "dir.entries", "dir.glob", "dir.children", "dir.each", "io.popen", "io.read", "io.foreach", "`", "import ", "require(", "include(", "read(", "readfile", "fetch(", "dump(", "phpinfo", "php}", "fopen", "file_get", "get_file", "get_user_file", "range(", "|map", "|filter", "|sort", "|reduce", "map('", "filter('", "sort('", "$on", "$eval", "$new", "sleep(", "url_for", "namespace", "get_flashed", "_context", "inspect", "os.system", "os.environ", "os.listdir", "os.getcwd", "os.path", "sys.modules", "sys.exit", "sys.version", "sys.argv", "curl", "self|", "getenv", "gethost", "inetaddress", "system.", "console.", "var_dump", "call(", "apply(", "$class", "thread", "whoami", "xdebug", "settings", "math.", "string.", "tostring(", "#request", "#response", "toarray", "touppercase(", "ifconfig", "/etc/", "print(", "echo", "join(", "charcodeat", "fromcharcode", "alert(", "template."},
	signDirective:      {"t(java.lang", "getclass().forname", ".getruntime()", ".getclass().getclassloader", "#set($", "#set ($", "$class.inspect", "class.inspect(\"", "new java.lang.processbuilder", "freemarker.template.utility", "@java.lang.", "''.__class__", "\"\".__class__", "().__class__", "[].__class__", ".__mro__", "__subclasses__", ".__globals__", "#_memberaccess", "${@print", "{@print", "{${", "ognlutil", "multipartcontent"},
	signDirectiveTalk:  {"__globals__", "__builtins__", "#foreach($", "*{t(", "#{t(", "|attr(", "=cmd|", "@(system", "java.lang.runtime", "java.lang.processbuilder", "javax.script.scriptengine", "self.__init__"},
	signShell:          {"$ifs", "${ifs", "$((", "/dev/tcp/", "/dev/udp/", "2>&1", "{ifs}", "&>/dev", ">/dev/null", "-oproxycommand=", "--checkpoint-action=exec", "--use-askpass=", "--upload-pack=", "$shell -c", "${shell} -c", "$0<<<", "${0}<<<", "$(</", "$(< /", "$(<~", "$(<$", "$(<\"/", "$(<'/"},
	signServerSide:     {"<!--#"},
	signServerSideTag:  {"#exec", "#include", "#echo", "#printenv", "#set", "#config"},
	signInterpreter:    {"cmd.exe", "powershell -", "powershell.exe", "powershell /", "powershell (", "powershell+-", "%comspec%", "cmd /c", "cmd+/c", "/bin/sh", "/bin/bash", "bin/nc", "wscript.shell"},
	signInterpreterUse: {"cmd.exe", " -", " /c", "/bin/sh", "/bin/bash", "bin/nc", "(", "|", "%comspec"},
	signCode:           {"@{[", "%x(", "%x{", "$env{", "{${", "${@", "<% eval", "<% execute", "<?php", "<?=", "<%eval", "<%execute", "__import__(", "child_process'", "child_process\"", "(`child_process`", "_$$nd_func$$_", "java.lang.runtime", "getruntime().exec", "runtime.exec(", "processbuilder(", "wscript.shell", "kernel.exec", "subprocess.call(", "subprocess.popen(", "subprocess.check_", "subprocess.run(", "subprocess.getoutput(", "os.system(", "php_eol", "globals()[", "base64_decode($_", "$_get[", "$_post[", "$_request[", "$_server[", "phpinfo()", "print(md5(", "echo md5(", "echo(md5(", "die(md5(", "var_dump(md5(", "!!python/object", "!!javax.script", "@grabconfig(", "@grabresolver(", "printf(md5(", "print_r(md5(", "exit(md5(", "server.scripttimeout", "phpversion()"},
	signCodeSure:       {"<?php", "getruntime().exec", "!!python/object"},
	signCodeOpens:      {"<?php"},
	signCodeTakes:      {"$_get", "$_post[c", "$_request", "$_cookie", "$_server[", "system(", "exec(", "passthru", "eval(", "assert(", "popen(", "proc_open", "phpinfo", "base64_decode", "fopen(", "file_get_contents", "file_put_contents", "md5(", "unlink(", "getruntime().exec", "!!python/object"},
	signSpacedPath:     {"program files", "documents and settings", "application support"},
	signLiteralHex:     {"0x2e", "0x2f", "0x5c"},
	signLeftover:       {"..2f", "..5c", "..u22", "..c0", "..c1"},
	signSemiSleep:      {";sleep("},
	signBrowser:        browserWords.words,
	signDoctype:        {"<!doctype"},
	signProto:          {`"__proto__"`},
	signAddress:        {"://", "jar:http", "jar:ftp"},
	signCallback:       {"burpcollaborator.net", "oastify.com", ".oast.", "interact.sh", "interactsh", "dnslog.cn", ".ceye.io", "webhook.site", "requestbin", "canarytokens.com", "bxss.me", "xss.ht", "ezxss", "xsshunter"},
}

// placed are the signs whose positions are kept, for rules that look near an opening.
const placed = 1<<signStyle | 1<<signTemplateWalk | 1<<signTemplateCall | 1<<signPage

// match is where a placed sign ends.
type match struct {
	sign sign
	end  int32
}

// signs is the set of groups found in a text.
type signs uint64

func (s signs) has(g sign) bool { return s&(1<<g) != 0 }

// automaton is an Aho-Corasick automaton over the strings of all signs; bytes that occur in none share one column.
type automaton struct {
	column  [256]uint8
	columns int
	next    []uint32 // where the row of the next state begins, with ends where a string of a sign ends
	out     []signs  // of a state
}

// ends marks the way to a state in which a string of a sign ends: few are, and the others' signs need not be read.
const ends = 1 << 31

var signAutomaton = newAutomaton(signStrings[:])

func newAutomaton(groups [][]string) *automaton {
	a := &automaton{columns: 1}
	for _, group := range groups {
		for _, str := range group {
			for i := range len(str) {
				if a.column[str[i]] == 0 {
					a.column[str[i]] = uint8(a.columns)
					a.columns++
				}
			}
		}
	}
	grow := func() int {
		a.next = append(a.next, make([]uint32, a.columns)...)
		a.out = append(a.out, 0)
		return len(a.out) - 1
	}
	grow()
	for g, group := range groups {
		for _, str := range group {
			state := 0
			for i := range len(str) {
				k := state*a.columns + int(a.column[str[i]])
				if a.next[k] == 0 {
					a.next[k] = uint32(grow())
				}
				state = int(a.next[k])
			}
			a.out[state] |= 1 << g
		}
	}
	a.link()
	return a
}

// link completes the trie: where a string breaks off, the state of its longest suffix goes on.
func (a *automaton) link() {
	fail := make([]int, len(a.out))
	queue := make([]int, 0, len(a.out))
	for c := range a.columns {
		if n := int(a.next[c]); n != 0 {
			queue = append(queue, n)
		}
	}
	for len(queue) > 0 {
		state := queue[0]
		queue = queue[1:]
		a.out[state] |= a.out[fail[state]]
		for c := range a.columns {
			k := state*a.columns + c
			onFail := int(a.next[fail[state]*a.columns+c])
			if n := int(a.next[k]); n != 0 {
				fail[n] = onFail
				queue = append(queue, n)
			} else {
				a.next[k] = uint32(onFail)
			}
		}
	}
	for k, state := range a.next {
		a.next[k] = state * uint32(a.columns)
		if a.out[state] != 0 {
			a.next[k] |= ends
		}
	}
}

// signsOf finds the signs and the marks of a text, and appends where placed ones end to at.
func signsOf(b []byte, at []match) (signs, marks, []match) {
	step(len(b))
	var found signs
	var m marks
	a := signAutomaton
	row := uint32(0)
	for i, c := range b {
		m |= markOf[c]
		next := a.next[row+uint32(a.column[c])]
		row = next &^ ends
		if next == row {
			continue
		}
		out := a.out[row/uint32(a.columns)]
		found |= out
		if out&placed == 0 {
			continue
		}
		for _, g := range [...]sign{signStyle, signTemplateWalk, signTemplateCall, signPage} {
			if out.has(g) {
				at = append(at, match{g, int32(i + 1)})
			}
		}
	}
	return found, m, at
}

// between reports whether a placed sign ends within a part of the text. Matches come in order of their end.
func between(matches []match, g sign, from, to int) bool {
	for k := firstMatch(matches, from); k < len(matches) && int(matches[k].end) <= to; k++ {
		step(1)
		if matches[k].sign == g {
			return true
		}
	}
	return false
}

// firstMatch returns the first match that ends behind a position.
func firstMatch(matches []match, from int) int {
	lo, hi := 0, len(matches)
	for lo < hi {
		if mid := (lo + hi) / 2; int(matches[mid].end) <= from {
			lo = mid + 1
		} else {
			hi = mid
		}
	}
	return lo
}
