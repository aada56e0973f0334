package detect

import (
	"fmt"
	"strings"
)

// Class names a kind of attack. The names are the same in the configuration, the log, the metrics and the events.
type Class uint8

// The classes, in the order in which findings of one place are listed.
const (
	UA        Class = iota // hostile User-Agent: a scanner, or an attack written into the header
	Log4Shell              // JNDI and other Log4j lookups
	XXE                    // XML external entities
	CRLF                   // response splitting: a header smuggled behind a line break
	XSS                    // markup or script that a page would run
	JS                     // script and data URLs that a browser would run, and prototypes of JavaScript's objects
	SQLi                   // SQL injection
	NoSQLi                 // MongoDB operators and server-side JavaScript
	SSTI                   // template and expression injection
	CmdI                   // shell commands and code that starts them
	Traversal              // dot-dot paths, in any encoding
	LFI                    // files of the server, named absolutely or through a stream wrapper
	RFI                    // a remote script or an internal address to be fetched
	numClasses
)

var classNames = [numClasses]string{
	UA: "ua", Log4Shell: "log4shell", XXE: "xxe", CRLF: "crlf", XSS: "xss", JS: "js", SQLi: "sqli", NoSQLi: "nosqli",
	SSTI: "ssti", CmdI: "cmdi", Traversal: "traversal", LFI: "lfi", RFI: "rfi",
}

var classTitles = [numClasses]string{
	UA:        "Suspicious User-Agent",
	Log4Shell: "Log4Shell lookup",
	XXE:       "XML external entity",
	CRLF:      "Header injection",
	XSS:       "XSS attempt",
	JS:        "JavaScript injection",
	SQLi:      "SQL injection pattern",
	NoSQLi:    "NoSQL injection",
	SSTI:      "Template injection",
	CmdI:      "Command injection",
	Traversal: "Path traversal",
	LFI:       "Local file access",
	RFI:       "Remote file inclusion",
}

// String returns the class's short name, as the configuration writes it: "sqli".
func (c Class) String() string {
	if c >= numClasses {
		return "unknown"
	}
	return classNames[c]
}

// Title returns the class's name for people. For traversal, xss, js, sqli and ua it is the name that ElizaOS' documents use.
func (c Class) Title() string {
	if c >= numClasses {
		return "Unknown pattern"
	}
	return classTitles[c]
}

// ParseClass returns the class of a short name. The error lists the names that exist.
func ParseClass(name string) (Class, error) {
	for c, n := range classNames {
		if n == name {
			return Class(c), nil
		}
	}
	return 0, fmt.Errorf("unknown attack class %q: known are %s", name, strings.Join(classNames[:], ", "))
}

// Classes returns all classes in listing order.
func Classes() []Class {
	all := make([]Class, numClasses)
	for i := range all {
		all[i] = Class(i)
	}
	return all
}

// Set is a set of classes.
type Set uint16

// All is the set of all classes.
const All = Set(1<<numClasses - 1)

// Of returns the set of the given classes.
func Of(classes ...Class) Set {
	var s Set
	for _, c := range classes {
		s |= 1 << c
	}
	return s
}

// Has reports whether c is in the set.
func (s Set) Has(c Class) bool { return s&(1<<c) != 0 }
