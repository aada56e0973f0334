package detect

import (
	"bytes"
	"strings"
)

// The ua rules judge the User-Agent: tools made for attacking, and attacks written into the header. Ordinary HTTP clients, crawlers and
// agents are not hostile, however they are called.
//
//	ua-scanner    the name of a scanner or an attack tool
//	ua-callback   the host of a service that reports which servers call back
//	ua-injection  an attack of another class in the header; that class is reported too
func (s *scan) userAgent(ua string) {
	if ua == "" || quietAgent(ua) {
		return
	}
	p := place{where: InUserAgent}
	b, overlong := s.normalise(s.bound(ua), false)
	if hostileAgent(b) {
		s.report(p, UA, "ua-scanner")
	}
	step(4 * len(b))
	t := &text{place: p, b: b, overlong: overlong}
	before := len(s.found)
	s.headerRules(t)
	if t.signs.has(signCallback) {
		s.report(p, UA, "ua-callback")
	}
	if len(s.found) > before {
		s.report(p, UA, "ua-injection")
	}
}

// headerRules puts those rules to a header that stay silent on the brackets and semicolons of ordinary ones.
func (s *scan) headerRules(t *text) {
	t.known = s.known(t.place)
	s.survey(t)
	before := len(s.found)
	s.log4shell(t)
	s.crlf(t)
	s.xxe(t)
	s.xss(t)
	s.scripts(t)
	s.markupView(t)
	s.traversal(t)
	if !browserLike(t.b) || t.marks&markQuote != 0 {
		s.sqli(t, len(s.found) > before)
	}
	if len(s.found) > before {
		return
	}
	if t.marks&(markBrace|markDollar) != 0 {
		s.ssti(t)
	}
	if !browserLike(t.b) || t.marks&(markTick|markDollar|markPipe) != 0 || bytes.Contains(t.b, []byte("() {")) {
		s.cmdi(t)
	}
	if len(s.found) == before && !browserLike(t.b) && bytes.IndexByte(t.b, ' ') < 0 {
		s.lfi(t)
	}
}

// browserLike reports whether a User-Agent has the form of a browser's: a product with a version, and a comment in brackets.
func browserLike(b []byte) bool {
	return bytes.HasPrefix(b, []byte("mozilla/")) || bytes.HasPrefix(b, []byte("opera/")) || bytes.HasPrefix(b, []byte("dalvik/")) || bytes.Contains(b, []byte(" (compatible; ")) || bytes.Contains(b, []byte("(+http"))
}

// referer inspects a Referer as a target: what follows the host.
func (s *scan) referer(ref string) {
	if ref == "" || quietReferer(ref) {
		return
	}
	raw := s.bound(ref)
	if scheme, rest, ok := strings.Cut(raw, "://"); ok && len(scheme) < 8 && isLetter(raw[0]) {
		raw = rest
	}
	path, query, _ := strings.Cut(raw, "?")
	p := place{where: InReferer}
	s.value(p, path, false, false)
	s.query(p, query)
}

// header inspects one header that holds a single value.
func (s *scan) header(name, value string) {
	b, overlong := s.normalise(s.bound(value), false)
	s.headerRules(&text{place: place{where: InHeader, name: name}, b: b, overlong: overlong})
}

// callbackWords are the words of those hosts (signCallback) that the first gate looks for.
var callbackWords = wordSet([]string{"burpcollaborator", "oastify", "oast", "interact", "interactsh", "dnslog", "ceye", "webhook", "requestbin", "canarytokens", "bxss", "xss", "ezxss", "xsshunter"})

// hostileAgent looks for names of tools at the start of each word.
func hostileAgent(b []byte) bool {
	if rest, ok := bytes.CutPrefix(b, []byte("mozilla/")); ok && !browserVersion(string(rest[:min(len(rest), 6)])) || bytes.Contains(b, []byte("(hydra)")) {
		return true
	}
	for i := 0; i < len(b); {
		if !isWordByte(b[i]) {
			i++
			continue
		}
		j := wordEnd(b, i)
		w := b[i:j]
		stem := len(b)-i >= 4 && stemTable[stemHash(string(b[i:i+4]))]
		if !stem && !agentTable.mayBytes(w) { // the tables of the first gate answer for most words
			i = j
			continue
		}
		if scanner(w) || stem && twoWordScanner(b[i:]) || i == 0 && firstNames.has(w) && (j == len(b) || b[j] == '/' || b[j] == ' ') {
			return true
		}
		i = j
	}
	return false
}

// browserVersion reports whether what follows "Mozilla/" begins as what browsers and telephones put there does: a number, a name or a blank.
func browserVersion(s string) bool {
	if len(s) >= 3 && isDigit(s[0]) && s[1] == '.' && isLetter(s[2]) {
		return s[2]|0x20 == 'x'
	}
	return len(s) < 3 || isWordByte(s[0]) || s[0] == ' '
}

// scanner reports whether a word is a tool's name, or begins with a name long enough to be sure of.
func scanner(w []byte) bool {
	if scannerNames.has(w) {
		return true
	}
	for n := min(len(w), maxStem); n >= minStem; n-- {
		if scannerStems.has(w[:n]) {
			return true
		}
	}
	return false
}

const minStem, maxStem = 6, 16

func twoWordScanner(b []byte) bool {
	for _, name := range scannerPhrases {
		if len(b) >= len(name) && string(b[:len(name)]) == name {
			return !isLetter(at(b, len(name)))
		}
	}
	return false
}

// scannerNames are matched as whole words, scannerStems as the beginning of a word too, scannerPhrases as several words.
var (
	scannerNames = wordSet([]string{
		"nikto", "sqlmap", "nmap", "bfac", "ffuf", "wfuzz", "fimap", "jsql", "ghauri", "commix", "havij", "zgrab", "zgrab2", "w3af", "sqlninja", "nessus", "openvas", "wapiti", "arachni",
		"wpscan", "nuclei", "dirb", "dirsearch", "xsser", "xsstrike", "zmeu", "jorgee", "tinja", "morfeus", "masscan", "whatwaf", "whatweb", "sslyze", "skipfish", "acunetix", "tplmap", "sstimap", "cmsmap", "lfimap", "lfisuite", "kadimus",
		"dalfox", "kiterunner", "subfinder", "gospider", "nosqlmap", "joomscan", "droopescan", "wpprobe", "wprecon", "shortscan", "crlfuzz", "paramspider", "burpsuite", "zaproxy", "pangolin", "safe3", "absinthe", "bsqlbf", "sqlsus", "mysqloit", "dotdotpwn",
		"webshag", "webinspect", "n-stealth", "xspider", "vbrute", "uniscan", "golismero", "rapidscan", "rustscan", "naabu", "aquatone", "eyewitness", "gowitness", "sn1per", "l9explore", "l9tcpid", "panoptic", "betabot", "nettacker", "noseyparker", "graphw00f", "wafw00f", "evilscanner", "muieblackcat", "metasploit", "msfconsole", "slowloris", "siege-attack", "torshammer", "darkjumper", "nsauditor", "mozlila", "sysscan", "hexometer", "netlab360", "tsunamisecurityscanner", "pocsuite", "pocsuite3", "yakit", "afrog", "fscan", "jaeles", "wpsec", "sqlbrute", "blindelephant", "ltx71", "log4shell", "jndi", "getodin", "visionheight", "cgichk", "yeswehack", "webbandit", "appspider", "datacha0s", "toata", "sqlix", "struts-pwn", "xpecial", "whisker",
		"crimscanner", "fhscan", "inspath", "jaascois", "pmafind", "springenwerk", "uil2pn", "voideye", "webvulnscan", "gootkit", "wikto", "watobo", "ratproxy", "webscarab", "wascan", "vulmap", "cmseek", "jexboss", "wpforce", "spiderfoot", "osmedeus", "sitadel", "hakrawler", "nexpose", "insightappsec", "hostedscan", "immuniweb",
		"proxystrike", "powerfuzzer", "websecurify", "syhunt", "cenzic", "bbqsql", "themole", "xenotix", "xsssniper", "fuxploider", "joomlavs", "wpseku", "drupwn", "leakix", "l9scan", "zollard", "cariddi", "reconftw", "dirhunt",
	})
	scannerStems = wordSet([]string{
		"acunetix", "appscan", "bewica", "brutescan", "cgichk", "crowdsec_test", "detectify", "dirbuster", "dotdotpwn", "droopescan", "feroxbuster", "feroxbust", "gobuster", "grendel", "hexometer", "intruder_", "ironwasp", "jbrofuzz", "joomscan", "libwhisker", "metasploit", "morfeus",
		"netsparker", "invicti", "nessus", "noseyparker", "nuclei", "openvas", "qualys", "qualysguard", "securityagent", "securityscan", "shortscan", "sitelock", "skipfish", "sqlmap", "sqlninja", "sqlpowerinj", "sqlpowerinjecto", "sslscan", "trufflehog", "tsunami", "tsunamisecurity", "vulnscan", "vulnerability_sc", "w00tw00t", "wapiti", "webcruiser", "whatweb", "wpscan", "xsstrike", "zmeu", "nosqlmap", "burpsuite", "burpcollab", "blackwidow", "masscan", "netscan", "portscan", "exploit", "attacker", "injector", "nosec", "scanbot_vuln", "pentest", "hackerone", "bugcrowd", "bugbounty",
	})
	// firstNames are words of other products too: they count as the first word of the header alone.
	firstNames     = wordSet([]string{"vega", "katana", "xray", "goby", "medusa", "brutus", "grabber", "raccoon", "beef", "hulk", "smuggler", "paros", "burp", "arjun", "vulners", "fuzz", "exploit", "hydra", "patator", "whcc", "zap", "goldeneye"})
	scannerPhrases = []string{"fuzz faster", "n-stalker", "n-stealth", "graphql-cop", "hp asm", "nmap scripting", "w3af.org", "grendel-scan", "sql power injector", "python-dirbuster", "core-project/1.0", "absinthe", "burp suite", "open vulnerability", "zed attack proxy", "projectdiscovery", "cgi scanner", "web vulnerability", "yeswehack-hunter", "httpx - open", "gvfs/fuzz", "springshell", "netlab360", "vulnerability scanner", "dirb/", "paros/3", "security-scan", "security scan", "domino hunter", "forest lobster", "sqli dumper", "get-minimal", "webtrends security", "s.t.a.l.k.e.r", "prog.customcrawler", "wordpress hash"}
)
