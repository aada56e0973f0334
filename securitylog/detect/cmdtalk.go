package detect

import "bytes"

// calculated reports whether the name from i to j is that of a variable or a function in a piece of code, which goes on as no command does:
// it is compared or set, id != 2, id>5, or called, del(x), or its address is taken, or it is the end of a condition.
func calculated(b []byte, i, j int, kind commandKind) bool {
	k := skipSpaces(b, j)
	switch c, next := at(b, k), at(b, k+1); {
	case c == '=' && k > j, (c == '!' || c == '>' || c == '<') && next == '=':
		return true
	case c == '>' || c == '<':
		end := skipSpaces(b, k+1)
		for isDigit(at(b, end)) {
			end++
		}
		step(end - k)
		after := at(b, end)
		return isDigit(at(b, end-1)) && (end == len(b) || after == ' ' || after == ';' || after == ',' || after == ')' || after == '&')
	case c == '(' && k == j:
		return kind == cmdShort
	case c == ')', c == ',':
		return takesAddress(b, i, ',') || c == ')' && inCondition(b, i)
	case c == ';':
		return takesAddress(b, i, '=')
	}
	return false
}

// takesAddress reports whether the sign before the name at i takes the address of a variable, as code in C does behind an equals sign, or a
// comma or the bracket of a call: scanf("%d", &id).
func takesAddress(b []byte, i int, sign byte) bool {
	if at(b, i-1) != '&' {
		return false
	}
	k := i - 2
	if at(b, k) == ' ' {
		k--
	}
	return at(b, k) == sign || sign == ',' && at(b, k) == '(' && (isWordByte(at(b, k-1)) || at(b, k-1) == ']')
}

// inCondition reports whether the name at i is joined to another in the brackets of a condition, as code has it: if (user && id).
func inCondition(b []byte, i int) bool {
	if at(b, i-1) != ' ' || i < 4 || b[i-2] != b[i-3] || b[i-4] != ' ' {
		return false
	}
	head := b[max(0, i-maxHead):i]
	open := bytes.LastIndexByte(head, '(')
	step(2 * len(head))
	if open < 0 || bytes.IndexByte(head[open:], ';') >= 0 {
		return false
	}
	word := bytes.TrimRight(head[:open], " ")
	return bytes.HasSuffix(word, []byte("if")) || bytes.HasSuffix(word, []byte("while"))
}

// asksInWords reports whether the text is a sentence that begins with the name of a command that is a verb, which ends at j: read /etc/hosts,
// move x.conf to /etc/app.
func asksInWords(b, name []byte, j int) bool {
	switch string(name) {
	case "read", "open", "look", "write", "show", "start":
		k := skipSpaces(b, j)
		return at(b, k) != '-'
	case "cat", "head", "tail", "less", "more", "copy", "move", "link", "rename", "find", "cut", "paste", "split", "join", "mail", "sort", "set", "make", "mount", "print", "test", "view", "watch", "source", "export":
	default:
		return false
	}
	window := b[j:min(len(b), j+2*maxHead)]
	step(8 * len(window))
	return hasAnyIn(window, " to ", " into ", " from ", " in ", " the ", " and ", " for ", " at ")
}

// hidesRest reports whether the text ends as a command line does whose rest shall be ignored: in a comment, or in one of Windows'.
func hidesRest(b []byte) bool {
	end := len(b)
	for end > 0 && len(b)-end < maxWord && b[end-1] == ' ' { // every command asks
		end--
	}
	step(len(b) - end)
	switch b = b[:end]; at(b, end-1) {
	case '#':
		return at(b, end-2) == ' '
	case 'm':
		return bytes.HasSuffix(b, []byte("|rem")) || bytes.HasSuffix(b, []byte("&rem"))
	}
	return false
}

// joinsWords reports whether the sign before place stands between blanks and behind a word, as "and" does in talk: "redis & docker".
func joinsWords(b []byte, place int, sep separator) bool {
	k := bytes.LastIndexByte(b[max(0, place-4):place], '&') + max(0, place-4)
	return sep == sepAmp && k >= 2 && b[k-1] == ' ' && at(b, k+1) == ' ' && isLetter(b[k-2])
}

// sortsByField reports whether the name that ends at j is sort as languages of queries have it, with a field behind a hyphen and no file
// behind that: | sort -count. The program of that name takes a few single letters.
func sortsByField(name, b []byte, j int) bool {
	k := skipSpaces(b, j)
	if string(name) != "sort" || at(b, k) != '-' {
		return false
	}
	end := wordEnd(b, k+1)
	next := at(b, skipSpaces(b, end))
	return end-k > 3 && bytes.ContainsAny(b[k+1:end], "aejkloptqwxy") && (next == 0 || next == ',' || next == '|')
}

// maxList is the length of the longest list of names that is taken for one.
const maxList = 128

// listsNames reports whether the text is nothing but three words or more with one sign between them, or commas: id|name|date, id,name;date.
func listsNames(b []byte, sign byte) bool {
	if len(b) > maxList {
		return false
	}
	bars := 0
	for i, c := range b {
		switch {
		case (c == sign || c == ',') && isWordByte(at(b, i-1)) && isWordByte(at(b, i+1)):
			bars++
		case !isWordByte(c):
			return false
		}
	}
	step(len(b))
	return bars >= 2
}

// maxRow is the length of the longest row of a table that is taken for one.
const maxRow = 512

// tableRow reports whether the text is a row of a table as markdown writes it, or its head with the line below.
func tableRow(b []byte) bool {
	if len(b) > maxRow { // every bar may ask
		return false
	}
	v := trimBlank(b[max(0, bytes.IndexByte(b, '|')):])
	step(2 * len(v))
	if len(v) <= 4 || v[0] != '|' || v[len(v)-1] != '|' {
		return false
	}
	return v[1] == ' ' && bytes.Contains(v, []byte(" | ")) || hasAnyIn(v, "|--", "| --", "|:-", "| :-")
}
