package detect

import "bytes"

// The ssti rules look into the delimiters of template and expression languages: {{ }}, ${ }, #{ }, *{ }, @{ }, <% %>, {% %}, @( ).
// A name alone between them is a template in honest use, and agents' prompts are full of those; an attack computes, calls or reaches
// for the runtime.
//
//	ssti-arithmetic  a sum that shows whether the template is evaluated: {{7*7}}
//	ssti-object      a way from a value to classes, globals or configuration
//	ssti-call        functions of the template engine or the runtime
//	ssti-directive   a directive outside of delimiters: #set($x=...), T(java.lang.Runtime)
func (s *scan) ssti(t *text) {
	b := t.b
	s.steps += 2 * len(b)
	if t.marks&(markBrace|markPercent|markParen|markBracket) != 0 {
		for i := 0; i+1 < len(b); i++ {
			if n := opensTemplate(b, i); n > 0 {
				body := templateBody(b, i+n)
				s.steps += 4 * len(body)
				if rule := templateRule(b, i, body); rule != "" {
					s.report(t.place, SSTI, rule)
					return
				}
				i += n - 1
			}
		}
	}
	if t.marks&(markParen|markDot|markHash) != 0 && directive(b, t.prose) {
		s.report(t.place, SSTI, "ssti-directive")
	}
}

// opensTemplate returns the length of the delimiter at i, 0 for none.
func opensTemplate(b []byte, i int) int {
	switch b[i] {
	case '{':
		switch at(b, i+1) {
		case '{', '%', '#', '@', '=':
			return 2
		case '$':
			return 1
		}
		if hasPrefixAt(b, i, "{php}") || hasPrefixAt(b, i, "{system(") || hasPrefixAt(b, i, "{if ") {
			return 1
		}
	case '$', '#', '*', '@', '~':
		if at(b, i+1) == '{' {
			return 2
		}
		if b[i] == '@' && at(b, i+1) == '(' || b[i] == '$' && at(b, i+1) == '{' {
			return 2
		}
	case '<':
		if at(b, i+1) == '%' {
			return 2
		}
		if hasPrefixAt(b, i, "<#assign") || hasPrefixAt(b, i, "<#list") {
			return 1
		}
	case '[':
		if hasPrefixAt(b, i, "[[${") || hasPrefixAt(b, i, "[#") && at(b, i+2) != ']' && at(b, i+2) != ' ' {
			return 2
		}
	}
	return 0
}

const maxTemplate = 384

// templateBody returns what stands between a delimiter and the next closing one, a bounded part.
func templateBody(b []byte, i int) []byte {
	body := b[i:min(len(b), i+maxTemplate)]
	for _, end := range []string{"}}", "%}", "%>", "}"} {
		if j := bytes.Index(body, []byte(end)); j >= 0 {
			return body[:j]
		}
	}
	return body
}

func templateRule(b []byte, i int, body []byte) string {
	if arithmetic(body) {
		return "ssti-arithmetic"
	}
	if hasAnyIn(body, "__", ".class", "mro", "getclass", "['class']", "[\"class\"]", "forname", "globals", "subclasses", "builtins", "|attr", ".constructor", "self.", "_self", "request.", "request[", "request|",
		"config.", "config[", "settings.secret", "lipsum", "cycler", "joiner", "getfilter", "registerundefined", ".env", "getenvironment", "process.", "mainmodule", "@java", "#_memberaccess", "#context", "@ognl", "_memberaccess", "secret_key", ".bean", "springmacro", "facescontext", "applicationscope", "sessionscope", "pagecontext", "servletcontext", "messages.", "app.request") {
		return "ssti-object"
	}
	if hasAnyIn(body, "system(", "exec(", "popen", "eval(", "passthru", "runtime", "processbuilder", "java.lang", "java.util", "t(java", "new ", "?new", "?api", "freemarker", "file.", "dir.", "io.", "`", "import ", "require(", "include(", "read(", "readfile", "fetch(", "dump(",
		"phpinfo", "php}", "fopen", "file_get", "range(", "|map", "|filter", "|sort", "|reduce", "map('", "filter('", "sort('", "$on", "$eval", "$new", "sleep(", "url_for", "namespace", "get_flashed", "_context", "inspect", "os.", "sys.", "curl", "self|", "getenv", "gethost", "inetaddress", "tojson", "system.", "console.", "var_dump", "call(", "apply(", "$class", "thread", "whoami", "debug", "xdebug", "settings", "math.", "string.", "tostring(", "#request", "#response", "toarray", "ifconfig", "/etc/", "print(", "echo", "join(", "charcodeat", "fromcharcode", "alert(", "template.") {
		open := b[i : i+2]
		if bytes.IndexByte(body, '(') >= 0 || bytes.IndexByte(body, '|') >= 0 || open[0] == '<' || open[1] == '%' || bytes.IndexByte(body, '=') >= 0 {
			return "ssti-call"
		}
	}
	switch string(trimBlank(body)) {
	case "config", "self", "settings", "request", "debug", "_self", "dump(app)", "this", "app", "_context", "g", "session", "php", "constructor":
		if b[i] == '{' && string(trimBlank(body)) != "this" && string(trimBlank(body)) != "session" && string(trimBlank(body)) != "request" && string(trimBlank(body)) != "app" && string(trimBlank(body)) != "g" {
			return "ssti-object"
		}
	}
	return ""
}

// arithmetic reports whether body, quotes and brackets aside, is a sum of numbers.
func arithmetic(body []byte) bool {
	digits, operator, after := false, false, false
	for k, c := range body {
		switch {
		case isDigit(c):
			digits = true
			after = after || operator
		case (c == '*' || c == '+' || c == '-' || c == '/' || c == '^') && digits && k > 0:
			operator = true
		case c == ' ' || c == '\'' || c == '"' || c == '(' || c == ')' || c == '=' || c == '@' || c == '$' || c == '{' || c == '.' || c == '%' || c == '[' || c == '#' || c == ',' || c == '_':
		default:
			return false
		}
	}
	return after
}

// directive recognises what template and expression languages understand outside of delimiters.
func directive(b []byte, prose bool) bool {
	switch {
	case hasAnyIn(b, "t(java.lang", "getclass().forname", ".getruntime()", ".getclass().getclassloader", "#set($", "#set ($", "$class.inspect", "class.inspect(\"", "new java.lang.processbuilder", "freemarker.template.utility", "@java.lang.", "''.__class__", "\"\".__class__", "().__class__", "[].__class__", ".__mro__", "__subclasses__", ".__globals__", "#_memberaccess", "${@print", "{@print", "{${", "ognlutil", "multipartcontent"):
		return true
	case prose:
		return false
	}
	return hasAnyIn(b, "__globals__", "__builtins__", "#foreach($", "*{t(", "#{t(", "|attr(", "=cmd|", "@(system", "java.lang.runtime", "java.lang.processbuilder", "javax.script.scriptengine", "self.__init__")
}
