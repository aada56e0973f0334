package detect

import "bytes"

// batchControl recognises the loops and conditions of Windows' command language at i: for %i in (...) do, for /f "..." %i in,
// if /i "%1"=="x" echo, if not exist file goto end. Words alone are English; what tells is the percent sign, the switch, or the
// command behind the condition.
func batchControl(b []byte, i int) bool {
	switch at(b, i) {
	case 'f':
		j := i + len("for")
		return hasPrefixAt(b, i, "for") && !isWordByte(at(b, j)) && batchFor(b, j)
	case 'i':
		j := i + len("if")
		return hasPrefixAt(b, i, "if") && !isWordByte(at(b, j)) && batchIf(b, j)
	}
	return false
}

// maxBatch and maxBatchOperand bound how far a loop's switches and the operands of a condition are read.
const (
	maxBatch        = 96
	maxBatchOperand = 40
)

func batchFor(b []byte, i int) bool {
	k := skipSpaces(b, i)
	if k == i {
		return false
	}
	if at(b, k) == '/' && isLetter(at(b, k+1)) && at(b, k+2) == ' ' {
		step(maxBatch)
		for _, c := range b[k:min(len(b), k+maxBatch)] {
			if c == '%' {
				return true
			}
		}
		return false
	}
	name := k
	for at(b, k) == '%' {
		step(1)
		k++
	}
	if k == name {
		return false
	}
	if end := wordEnd(b, k); end > k {
		k = end
	} else if k < len(b) && !isBlank(b[k]) {
		k++ // a variable may be named by a sign
	}
	k = skipSpaces(b, k)
	return hasAnyAt(b, k, "in (", "in(")
}

func batchIf(b []byte, i int) bool {
	k := skipSpaces(b, i)
	if hasPrefixAt(b, k, "/i ") {
		return true
	}
	if k == i {
		return false
	}
	if hasPrefixAt(b, k, "not ") {
		k = skipSpaces(b, k+len("not "))
	}
	if isLetter(at(b, k)) {
		switch test := wordEnd(b, k); string(b[k:test]) {
		case "exist", "defined":
			if at(b, test) == ' ' {
				operand := skipSpaces(b, test)
				end := batchOperand(b, operand)
				return batchRuns(b, end, namesFile(b[operand:end]))
			}
		case "errorlevel", "cmdextversion":
			if at(b, test) == ' ' {
				return isDigit(at(b, skipSpaces(b, test)))
			}
		}
	}
	end := batchOperand(b, k)
	grouped := at(b, k) == '(' && holdsBlank(b[k:end])
	if grouped {
		k++
		end = batchOperand(b, k)
	}
	variable := holdsVariable(b[k:end])
	glued := at(b, end) == '='
	k = skipSpaces(b, end)
	switch {
	case hasPrefixAt(b, k, "=="):
		k = skipSpaces(b, k+len("=="))
		for at(b, k) == '=' {
			step(1)
			k++
		}
		if !glued && !variable && !isQuote(at(b, end-1)) && at(b, end-1) != ']' && at(b, end-1) != ')' {
			return false // a == b: a language of programs
		}
	case hasAnyAt(b, k, "equ ", "neq ", "lss ", "leq ", "gtr ", "geq "):
		k = skipSpaces(b, k+len("equ "))
	default:
		return false
	}
	end = batchOperand(b, k)
	if variable || holdsVariable(b[k:end]) {
		return true
	}
	if grouped && at(b, end) == ')' {
		end++
	}
	return batchRuns(b, end, true)
}

// namesFile reports whether an operand is a file or a string rather than a word: the command behind it may be a word of English then.
func namesFile(operand []byte) bool {
	step(len(operand))
	return bytes.ContainsAny(operand, ".\\/:*%\"!")
}

// holdsVariable reports whether an operand names a variable of the command language: %1, %var%, !var!.
func holdsVariable(operand []byte) bool {
	step(len(operand))
	for i, c := range operand {
		if (c == '%' || c == '!') && (isWordByte(at(operand, i+1)) || at(operand, i+1) == '~' || at(operand, i+1) == '%') {
			return true
		}
	}
	return false
}

func holdsBlank(b []byte) bool { return bytes.IndexByte(b, ' ') >= 0 }

// batchOperand returns the end of the operand at i: a string in quotes or brackets, or what stands before a blank or an equals sign.
func batchOperand(b []byte, i int) int {
	closing := byte(0)
	switch at(b, i) {
	case '"', '\'':
		closing = b[i]
	case '(':
		closing = ')'
	case '[':
		closing = ']'
	case '{':
		closing = '}'
	}
	limit := min(len(b), i+maxBatchOperand)
	step(limit - i)
	for k := i; k < limit; k++ {
		switch {
		case closing != 0 && k > i && b[k] == closing:
			return k + 1
		case closing == 0 && (isBlank(b[k]) || b[k] == '=' || b[k] == ')'), (closing == 0 || closing == ')') && (b[k] == '|' || b[k] == '&'):
			return k
		}
	}
	return limit
}

// batchRuns reports whether a command of Windows, or a group of them, stands at i; words of English count with any alone.
func batchRuns(b []byte, i int, any bool) bool {
	k := skipSpaces(b, i)
	if at(b, k) == '@' {
		k++
	}
	if at(b, k) == '(' {
		return k > i
	}
	end := wordEnd(b, k)
	switch string(b[k:end]) {
	case "echo", "goto", "cmd", "xcopy", "del", "md", "rd", "powershell":
		return k > i
	case "set":
		step(maxBatchOperand)
		return k > i && (any || bytes.IndexByte(b[end:min(len(b), end+maxBatchOperand)], '=') >= 0)
	case "call", "exit", "copy", "start", "cd", "move", "ren", "type":
		return k > i && any
	}
	return false
}

// takesCommas reports whether one of Windows' commands, whose name ends at j, is given its arguments behind a comma, which its shell takes
// for a blank: ping,-n,3,10.0.0.7.
func takesCommas(name, b []byte, j int) bool {
	switch string(name) {
	case "ping", "tracert", "nslookup", "dir", "type", "del", "copy", "net", "start", "netstat", "powershell", "cmd":
	default:
		return false
	}
	arg, next := at(b, j+1), at(b, j+2)
	return arg == '-' && isLetter(next) || arg == '/' && isLetter(next) && !isWordByte(at(b, j+3)) || isLetter(arg) && next == ':' && isSlash(at(b, j+3)) || ipv4At(b, j+1)
}
