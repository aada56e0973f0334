package detect

import (
	"bytes"
	"strings"
)

// The rfi rules look at values that are addresses. An address alone says nothing: callbacks, avatars and links are addresses too.
//
//	rfi-include   a script or text file of another host, for a parameter or a page that includes what it is given
//	rfi-cut       an address that ends in '?', which turns what the server would append into a query
//	rfi-internal  the metadata service of a cloud, or loopback in disguise
//	rfi-scheme    a scheme for talking to other services: gopher, dict, ldap, rmi
func (s *scan) rfi(t *text) {
	if !t.signs.has(signAddress) || t.known.Has(RFI) {
		return
	}
	b := bytes.TrimPrefix(trimBlank(t.b), []byte("url:")) // which Java takes off
	if hasAnyAt(b, 0, "jar:http", "jar:ftp") {            // an archive that is fetched
		s.report(t.place, RFI, "rfi-scheme")
		return
	}
	const longest = 12
	i := bytes.Index(b[:min(len(b), longest+len(schemeSep))], schemeSep)
	if i < 2 || t.where == InPath {
		return
	}
	step(len(b))
	scheme, rest := b[:i], b[i+len(schemeSep):]
	switch string(scheme) {
	case "gopher", "dict", "ldap", "ldaps", "rmi", "tftp", "sftp", "netdoc", "jndi":
		s.report(t.place, RFI, "rfi-scheme")
		return
	case "http", "https", "ftp", "ftps":
	default:
		return
	}
	if bytes.IndexByte(rest, ' ') >= 0 {
		return
	}
	end := bytes.IndexAny(rest, "/?#")
	host, path := rest, []byte(nil)
	if end >= 0 {
		host, path = rest[:end], rest[end:]
	}
	if j := bytes.LastIndexByte(host, '@'); j >= 0 {
		host = host[j+1:]
	}
	includes := (t.script || fileParameter(t.name)) && !leadsOn(t.name)
	switch {
	case internalHost(host):
		s.report(t.place, RFI, "rfi-internal")
	case includes && len(path) > 1 && path[len(path)-1] == '?':
		s.report(t.place, RFI, "rfi-cut")
	case includes && scriptFile(path):
		s.report(t.place, RFI, "rfi-include")
	}
}

func internalHost(host []byte) bool {
	for _, prefix := range []string{"169.254.169.254", "metadata.google.internal", "100.100.100.200", "[fd00:ec2::254]", "[::ffff:7f", "[::ffff:127.", "[::ffff:a9fe",
		"0x7f", "0177.", "2130706433", "2852039166", "[0:0:0:0:0:ffff:", "017700000001"} {
		if bytes.HasPrefix(host, []byte(prefix)) {
			return true
		}
	}
	return false
}

// scriptFile reports whether a URL names a file that an including interpreter would run. A page that its own server makes, which a query
// tells, is a link.
func scriptFile(path []byte) bool {
	path, query, _ := bytes.Cut(path, []byte{'?'})
	path = bytes.TrimRight(path, "\x00%")
	return hasExtension(path, ".txt", ".inc", ".sh", ".phtml", ".dat") || len(query) == 0 && hasExtension(path, ".php", ".asp", ".aspx", ".jsp", ".cgi", ".pl")
}

func hasExtension(path []byte, extensions ...string) bool {
	for _, ext := range extensions {
		if len(path) > len(ext) && bytes.HasSuffix(path, []byte(ext)) {
			return true
		}
	}
	return false
}

// leadsOn reports whether a parameter's name promises an address to go to, such as OAuth's redirect_uri.
func leadsOn(name string) bool {
	const word = "redirect"
	for i := 0; i+len(word) <= len(name); i++ {
		if strings.EqualFold(name[i:i+len(word)], word) {
			return true
		}
	}
	return false
}

// fileParameter reports whether a parameter's name promises a file, a directory or a template.
func fileParameter(name string) bool {
	if name == "" || len(name) > maxNameLen {
		return false
	}
	var lower [maxNameLen]byte
	for i := range len(name) {
		c := name[i]
		if c-'A' < 26 {
			c |= 0x20
		}
		lower[i] = c
	}
	n := lower[:len(name)]
	for _, part := range []string{"path", "dir", "file", "inc", "root", "template", "tpl", "doc", "folder", "conf", "cfg", "live_site", "basepath", "module", "page", "theme", "skin", "document", "view", "layout", "lang"} {
		if bytes.Contains(n, []byte(part)) {
			return true
		}
	}
	return false
}
