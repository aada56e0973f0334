package detect

import "bytes"

// callsExpression reports whether the bracket at i calls what an expression of PHP names, as no other text does: an element of an array,
// $a['x'](7), or a function that runs something, by its name in quotes or brackets: ("system")("id"), [system][0](ls).
func callsExpression(b []byte, i int) bool {
	k := i
	for k > 0 && i-k < maxWord && endsExpression[b[k-1]] {
		k--
	}
	step(i - k + 1)
	if next := at(b, i+1); k == i || next == ')' || next == 0 {
		return false
	}
	start := k
	for start > 0 && k-start < maxWord && isWordByte(b[start-1]) {
		start--
	}
	if start < k && runsByName(b[start:k]) && isOpening(at(b, start-1)) && !(b[start-1] == '[' && (k+1 == i || isWordByte(at(b, start-2)))) { // no [link](of markdown), no element
		return true
	}
	if b[i-1] != ']' && b[i-1] != '}' {
		return false
	}
	return subscripted(b, i)
}

// endsExpression are the bytes between a name and the bracket that calls it, where an expression names the function.
var endsExpression = byteSet(")]}'\"0[")

// isOpening reports whether c can stand before the name in such an expression.
func isOpening(c byte) bool { return isQuote(c) || c == '(' || c == '[' || c == '{' }

// subscripted reports whether the brackets that end at i are those of elements of a variable of PHP: $_[0]['a'].
func subscripted(b []byte, i int) bool {
	k := i
	for n := 0; n < 3 && k > 0; n++ {
		var opening byte
		switch b[k-1] {
		case ']':
			opening = '['
		case '}':
			opening = '{'
		default:
			n = 3
			continue
		}
		window := b[max(0, k-maxWord):k]
		step(len(window))
		open := bytes.LastIndexByte(window, opening)
		if open < 0 || open+1 >= len(window)-1 {
			return false
		}
		k -= len(window) - open
	}
	start := k
	for start > 0 && k-start < maxWord && isWordByte(b[start-1]) {
		start--
	}
	return start < k && at(b, start-1) == '$'
}

// phpStatement reports whether a text is nothing but a statement of PHP that asks the system for something: echo file_exists("/x");
func phpStatement(b []byte) bool {
	end := len(b)
	for end > 0 && (b[end-1] == ' ' || b[end-1] == ';') {
		end--
	}
	if end == 0 || b[end-1] != ')' {
		return false
	}
	i := 0
	for i < end && (isBlank(b[i]) || isQuote(b[i]) || b[i] == ';' || b[i] == '@' || b[i] == '}') {
		i++
	}
	step(len(b) - end + i + 1)
	for n := 0; n < 4 && i < end; n++ {
		if b[i] == '$' { // a variable that is set
			i = skipSpaces(b, wordEnd(b, i+1))
			if at(b, i) != '=' || at(b, i+1) == '=' {
				return false
			}
			i = skipSpaces(b, i+1)
			continue
		}
		j := wordEnd(b, i)
		name := b[i:j]
		open := skipSpaces(b, j)
		switch {
		case phpShows.has(name):
			i = open
			if at(b, i) == '(' {
				i = skipSpaces(b, i+1)
			}
			continue
		case !phpAsks.has(name) || at(b, open) != '(':
			return false
		}
		arg := skipSpaces(b, open+1)
		return isQuote(at(b, arg)) || at(b, arg) == '$' || n > 0
	}
	return false
}

// phpShows are what a statement begins with that shows the value of another; phpAsks are functions that no other language has by that name
// and that ask the system for something or change it.
var (
	phpShows = wordSet([]string{"echo", "print", "print_r", "var_dump", "var_export", "die", "exit", "return"})
	phpAsks  = wordSet([]string{"file_exists", "fileperms", "fileowner", "file_put_contents", "file_get_contents", "fopen", "fwrite", "readfile", "unlink", "glob", "getcwd", "scandir", "get_current_user", "php_uname", "php_sapi_name",
		"ini_get", "ini_set", "get_defined_vars", "get_defined_functions", "move_uploaded_file", "parse_ini_file", "show_source", "highlight_file", "is_file", "is_dir", "opendir", "readdir", "chmod", "symlink", "curl_init", "fsockopen",
		"base64_decode", "phpinfo", "phpversion", "getmyuid", "sys_getloadavg", "disk_total_space", "disk_free_space", "fsockopen", "system", "shell_exec", "passthru", "popen", "getenv", "putenv", "gethostname", "posix_getpwuid"})
)
