package detect

import "bytes"

// handlerStems are what the names of event handlers begin with, after "on".
var handlerStems = []string{
	"abort", "activate", "after", "animation", "auxclick", "audio", "before", "begin", "beforexr", "blur", "bounce", "canplay", "cellchange", "change", "click", "close",
	"contentvisibility", "context", "copy", "cue", "cut", "data", "dblclick", "deactivate", "device", "drag", "drop", "duration", "emptied", "end", "error",
	"filter", "finish", "focus", "form", "fullscreen", "gesture", "got", "hash", "help", "input", "invalid", "key", "languagechange", "layout", "load", "lose", "lost", "media",
	"message", "mouse", "moz", "offline", "online", "open", "outofsync", "page", "paste", "pause", "play", "pointer", "popstate", "progress", "property",
	"ratechange", "ready", "repeat", "reset", "resize", "resume", "reverse", "row", "scroll", "search", "seek", "select", "show", "slotchange", "stalled", "start", "stop",
	"storage", "submit", "suspend", "syncrestored", "timeout", "timeupdate", "toggle", "touch", "track", "transition", "unload", "url", "volume", "waiting", "webkit", "wheel", "command", "security", "unhandled", "zoom", "orientation",
}

// handlersBy are those stems by their first letter.
var handlersBy = func() (by [32][]string) {
	for _, stem := range handlerStems {
		by[stem[0]&31] = append(by[stem[0]&31], stem)
	}
	return by
}()

// handlerRuns reports whether the handler name before the equals sign at eq would run something.
func handlerRuns(b []byte, start, eq int, name []byte, tagged bool, t *text) bool {
	step(len(handlerStems))
	known := false
	for _, stem := range handlersBy[name[2]&31] {
		if bytes.HasPrefix(name[2:], []byte(stem)) {
			known = true
			break
		}
	}
	switch before := at(b, start-1); {
	case start == 0, isBlank(before), isQuote(before), before == '/', before == '<', before == ';', before == '*', before == '>', before == wild, before >= 0x80, before == ',', before == ')', tagged && (before == ':' || before == '+'):
	default:
		return false
	}
	if tagged {
		return known || !t.prose
	}
	if !known {
		return false
	}
	if leavesAttribute(b, start) && eq+1 < len(b) {
		return true
	}
	value := b[eq+1 : min(len(b), eq+1+128)]
	step(8 * len(value))
	if t.prose && hasPrefixAt(value, skipSpaces(value, 0), "function") || at(value, 0) == '{' && !hasAnyIn(value, "alert", "eval", "prompt", "confirm", "document", "location", "javascript", "`") {
		return false // code that is talked of: x.onload = function, onChange={save}
	}
	return bytes.ContainsAny(value, "(`") || bytes.Contains(value, []byte("javascript")) || !t.prose && bytes.HasSuffix(b, []byte(">")) && hasAnyIn(value, "document.", "location", "window.") || start == skipBlank(b, 0) && t.where != InPath && !t.prose
}
