package detect

import "bytes"

// The log4shell rules resolve Log4j's lookups, which can be nested and can spell "jndi" letter by letter.
//
//	log4shell-jndi    a JNDI lookup, however it is spelled
//	log4shell-lookup  another lookup that gives away the environment, or a default used as a disguise
func (s *scan) log4shell(t *text) {
	if t.known.Has(Log4Shell) {
		return
	}
	b := t.b
	if t.marks&(markDollar|markColon) != markDollar|markColon && !t.signs.has(signJNDI) {
		return
	}
	step(len(b))
	if t.signs.has(signJNDI) && jndiScheme(b) {
		s.report(t.place, Log4Shell, "log4shell-jndi")
		return
	}
	if t.marks&markBrace == 0 {
		return
	}
	if rule := s.resolveLookups(b); rule != "" {
		s.report(t.place, Log4Shell, rule)
	}
}

// jndiScheme reports whether "jndi:" in the text is followed by a naming service, or stands in a lookup.
func jndiScheme(b []byte) bool {
	for {
		i := bytes.Index(b, []byte("jndi:"))
		if i < 0 {
			return false
		}
		step(i + 16)
		rest := b[i+len("jndi:"):]
		if i > 0 && b[i-1] == '{' || hasAnyAt(rest, skipBlank(rest, 0), "ldap", "rmi", "dns", "iiop", "corba", "nis", "nds", "http", "${", "//") {
			return true
		}
		b = rest
	}
}

const (
	maxLookupDepth = 64
	maxLookup      = 256
)

// resolveLookups replaces each inner lookup by what Log4j would make of it. Depth and the length of a lookup that is looked at are
// bounded, so that the work stays linear.
func (s *scan) resolveLookups(b []byte) string {
	out, opens := s.lookups[:0], s.opens[:0]
	hidden, disguises, probes := 0, 0, 0
	judge := func(content []byte) bool {
		content = content[skipBlank(content, 0):]
		return bytes.HasPrefix(content, []byte("jndi:")) || bytes.HasPrefix(content, []byte("jndi :")) || bytes.HasPrefix(content, []byte("jndi${")) || bytes.HasPrefix(content, []byte("::-jndi"))
	}
	found := false
	kept := 0 // up to here b is in out
	for i := 0; i < len(b) && !found; i++ {
		opening := b[i] == '$' && at(b, i+1) == '{'
		if !opening && (b[i] != '}' || len(opens) == 0) {
			continue
		}
		out = append(out, b[kept:i]...)
		if opening {
			if len(opens) == maxLookupDepth {
				opens = opens[:0]
			}
			opens = append(opens, len(out))
			i++
			kept = i + 1
			continue
		}
		kept = i + 1
		from := opens[len(opens)-1]
		opens = opens[:len(opens)-1]
		content := out[from:]
		step(min(len(content), maxLookup))
		if len(content) > maxLookup {
			found = judge(content[:maxLookup])
			continue
		}
		if found = judge(content); found {
			break
		}
		if value, ok := lookupValue(content); ok {
			hidden++
			if disguised(content) {
				disguises++
			}
			out = append(out[:from], value...)
			continue
		}
		if isProbe(content) {
			probes++
		}
		out = append(out, '}')
	}
	out = append(out, b[min(kept, len(b)):]...)
	for _, from := range opens {
		if found {
			break
		}
		found = judge(out[from:min(len(out), from+maxLookup)])
	}
	s.lookups, s.opens = out, opens
	switch {
	case found:
		return "log4shell-jndi"
	case bytes.Contains(out, []byte("jndi:")) && hidden > 0:
		return "log4shell-jndi"
	case disguises >= 2 || probes > 0:
		return "log4shell-lookup"
	}
	return ""
}

// lookupValue returns what a lookup resolves to when that can be told: the default after ":-", or the argument of lower and upper.
func lookupValue(content []byte) ([]byte, bool) {
	if i := bytes.Index(content, []byte(":-")); i >= 0 {
		return content[i+2:], true
	}
	for _, fn := range []string{"lower:", "upper:"} {
		if bytes.HasPrefix(content, []byte(fn)) {
			return content[len(fn):], true
		}
	}
	if bytes.HasPrefix(content, []byte("date:")) {
		return bytes.Trim(content[len("date:"):], "'"), true
	}
	return nil, false
}

// disguised reports whether a lookup is none that anybody would write to get its value: a default for what has no name, or for a name
// with a prefix, or a letter changed in case. ${PORT:-80} is honest.
func disguised(content []byte) bool {
	name, _, ok := bytes.Cut(content, []byte(":-"))
	return !ok || len(name) == 0 || bytes.IndexByte(name, ':') >= 0
}

// isProbe recognises lookups that read the environment of the process that logs.
func isProbe(content []byte) bool {
	return hasAnyAt(content, 0, "env:", "sys:", "java:", "ctx:", "main:", "bundle:", "docker:", "k8s:", "spring:", "log4j:", "script:javascript", "script:", "dns:address", "dns:", "url:utf", "url:http", "base64decoder:", "base64:", "marker:", "map:", "sd:", "web:", "jvmrunargs:", "hostname") && len(content) > 4
}
