package detect

import "bytes"

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
