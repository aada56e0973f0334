package detect

import "bytes"

// mailCommand reports whether a line break is followed by a command of SMTP, IMAP or POP3, which a mail server would obey where a
// form's value is put into a conversation with it.
func mailCommand(b []byte) bool {
	for i := 0; i < len(b); i++ {
		if b[i] != '\n' && b[i] != '\r' {
			continue
		}
		i = skipBlank(b, i)
		if smtpCommand(b, i) || popCommand(b, i) || imapCommand(b, i) {
			return true
		}
		i--
	}
	return false
}

func smtpCommand(b []byte, i int) bool {
	end := wordEnd(b, i)
	rest := b[skipSpaces(b, end):]
	switch string(b[i:end]) {
	case "ehlo", "helo", "vrfy", "expn":
		return at(b, end) == ' ' && len(rest) > 0
	case "mail":
		return hasAnyAt(rest, 0, "from:<", "from: <")
	case "rcpt":
		return hasAnyAt(rest, 0, "to:<", "to: <")
	case "auth":
		word := wordEnd(rest, 0)
		return word > 0 && (hasAnyAt(rest, 0, "login", "plain", "cram-md5", "digest-md5", "xoauth2") || at(rest, word) == ' ' && base64Word(rest[word+1:]))
	}
	return false
}

// base64Word reports whether b is one word of base64 with its padding, up to the end of the line.
func base64Word(b []byte) bool {
	end := bytes.IndexAny(b, " \r\n")
	if end < 0 {
		end = len(b)
	}
	step(end)
	return end >= 8 && end%4 == 0 && b[end-1] == '='
}

func popCommand(b []byte, i int) bool {
	end := wordEnd(b, i)
	k := skipSpaces(b, end)
	number := wordEnd(b, k)
	last := number >= len(b) || b[number] == '\r' || b[number] == '\n'
	switch string(b[i:end]) {
	case "retr", "dele", "uidl":
		return k > end && allDigits(b[k:number]) && last
	case "apop":
		digest := skipSpaces(b, number)
		return k > end && number > k && wordEnd(b, digest)-digest == 32
	}
	return false
}

// imapCommand recognises a tag, such as a001, and a verb.
func imapCommand(b []byte, i int) bool {
	end := wordEnd(b, i)
	if tag := b[i:end]; len(tag) < 3 || len(tag) > 8 || !isLetter(tag[0]) || !allDigits(tag[1:]) || at(b, end) != ' ' {
		return false
	}
	verb := skipSpaces(b, end)
	switch string(b[verb:wordEnd(b, verb)]) {
	case "login", "select", "examine", "create", "delete", "rename", "subscribe", "unsubscribe", "list", "lsub", "status", "append", "check", "close", "expunge",
		"search", "fetch", "store", "copy", "uid", "authenticate", "capability", "starttls", "noop", "logout", "idle":
		return true
	}
	return false
}
