package detect

import "bytes"

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
	raw := s.load(ua)
	b, enc := s.normalise(raw, false)
	if rule := hostileAgent(b); rule != "" {
		s.report(p, UA, rule)
	}
	s.steps += 4 * len(b)
	before := len(s.found)
	s.headerRules(&text{place: p, b: b, enc: enc})
	if len(s.found) > before {
		s.report(p, UA, "ua-injection")
	}
}

// headerRules puts those rules to a header that stay silent on the brackets and semicolons of ordinary ones.
func (s *scan) headerRules(t *text) {
	t.marks = marksOf(t.b)
	t.prose = readsLikeProse(t.b)
	before := len(s.found)
	s.log4shell(t)
	s.crlf(t)
	s.xxe(t)
	s.xss(t)
	s.scripts(t)
	s.markupView(t)
	s.traversal(t)
	if !browserLike(t.b) || t.marks&markQuote != 0 {
		s.sqli(t)
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
	raw := s.load(ref)
	if i := bytes.Index(raw, schemeSep); i > 0 && i < 8 && isLetter(raw[0]) {
		raw = raw[i+len(schemeSep):]
	}
	path, query, _ := bytes.Cut(raw, []byte{'?'})
	p := place{where: InReferer}
	s.value(p, path, false, false)
	s.query(p, query)
}

// header inspects one header that holds a single value.
func (s *scan) header(name, value string) {
	raw := s.load(value)
	b, enc := s.normalise(raw, false)
	s.headerRules(&text{place: place{where: InHeader, name: []byte(name)}, b: b, enc: enc})
}

// callbackWords are the words of callbackHosts that the first gate looks for.
var callbackWords = wordSet([]string{"burpcollaborator", "oastify", "oast", "interact", "interactsh", "dnslog", "ceye", "webhook", "requestbin", "canarytokens", "bxss", "xss", "ezxss", "xsshunter"})

// hostileAgent looks for names of tools at the start of each word.
func hostileAgent(b []byte) string {
	if rest, ok := bytes.CutPrefix(b, []byte("mozilla/")); ok && len(rest) > 2 && !(isDigit(rest[0]) && rest[1] == '.' && isDigit(rest[2])) {
		return "ua-scanner" // a browser's name with no version that a browser ever had
	}
	for i := 0; i < len(b); {
		if !isWordByte(b[i]) {
			i++
			continue
		}
		j := wordEnd(b, i)
		w := b[i:j]
		if scanner(w) || twoWordScanner(b[i:]) {
			return "ua-scanner"
		}
		i = j
	}
	for _, host := range callbackHosts {
		if bytes.Contains(b, host) {
			return "ua-callback"
		}
	}
	return ""
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
		"nikto", "sqlmap", "nmap", "bfac", "ffuf", "wfuzz", "fimap", "jsql", "vega", "ghauri", "commix", "havij", "zgrab", "zgrab2", "w3af", "sqlninja", "nessus", "openvas", "wapiti", "arachni",
		"wpscan", "nuclei", "dirb", "dirsearch", "xsser", "xsstrike", "zmeu", "jorgee", "tinja", "morfeus", "masscan", "whatwaf", "whatweb", "hydra", "sslyze", "skipfish", "acunetix", "tplmap", "sstimap", "cmsmap", "lfimap", "lfisuite", "kadimus",
		"dalfox", "kiterunner", "katana", "httpx", "subfinder", "gospider", "patator", "medusa", "brutus", "nosqlmap", "joomscan", "droopescan", "wpprobe", "wprecon", "shortscan", "crlfuzz", "smuggler", "arjun", "paramspider", "burpsuite", "burp", "zaproxy", "zap", "owasp", "pangolin", "safe3", "absinthe", "bsqlbf", "sqlsus", "mysqloit", "dotdotpwn",
		"webshag", "webinspect", "n-stealth", "xspider", "grabber", "vbrute", "uniscan", "golismero", "rapidscan", "rustscan", "naabu", "aquatone", "eyewitness", "gowitness", "photon", "raccoon", "sn1per", "l9explore", "l9tcpid", "panoptic", "betabot", "nettacker", "noseyparker", "graphw00f", "wafw00f", "evilscanner", "muieblackcat", "exploit", "metasploit", "msfconsole", "beef", "slowloris", "goldeneye", "siege-attack", "hulk", "torshammer", "darkjumper", "nsauditor", "mozlila", "sysscan", "hexometer", "netlab360", "vulners", "tsunamisecurityscanner", "xray", "goby", "pocsuite", "pocsuite3", "yakit", "afrog", "fscan", "jaeles", "wpsec", "sqlbrute", "blindelephant", "ltx71", "log4shell", "jndi", "getodin", "visionheight", "cgichk", "yeswehack", "webbandit", "appspider", "paros", "fuzz", "datacha0s", "toata", "injection", "sqlix", "struts-pwn", "xpecial", "whisker",
	})
	scannerStems = wordSet([]string{
		"acunetix", "appscan", "arachni", "bewica", "brutescan", "cgichk", "crowdsec_test", "detectify", "dirbuster", "dotdotpwn", "droopescan", "feroxbuster", "feroxbust", "gobuster", "grendel", "hexometer", "intruder_", "ironwasp", "jbrofuzz", "joomscan", "libwhisker", "metasploit", "morfeus",
		"netsparker", "invicti", "nessus", "noseyparker", "nuclei", "openvas", "qualys", "qualysguard", "securityagent", "securityscan", "shortscan", "sitelock", "skipfish", "sqlmap", "sqlninja", "sqlpowerinj", "sqlpowerinjecto", "sslscan", "trufflehog", "tsunami", "tsunamisecurity", "vulnscan", "vulnerability_sc", "w00tw00t", "wapiti", "webcruiser", "webinspect", "whatweb", "wpscan", "xsstrike", "zmeu", "nosqlmap", "burpsuite", "burpcollab", "blackwidow", "masscan", "netscan", "portscan", "exploit", "attacker", "injector", "nosec", "scanbot_vuln", "pentest", "hackerone", "bugcrowd", "bugbounty",
	})
	scannerPhrases = []string{"fuzz faster", "n-stalker", "n-stealth", "graphql-cop", "hp asm", "nmap scripting", "w3af.org", "grendel-scan", "sql power injector", "python-dirbuster", "core-project/1.0", "absinthe", "burp suite", "open vulnerability", "zed attack proxy", "projectdiscovery", "cgi scanner", "web vulnerability", "yeswehack-hunter", "httpx - open", "gvfs/fuzz", "springshell", "netlab360", "vulnerability scanner", "dirb/", "paros/3", "whcc/", "security-scan", "() {"}
)

var callbackHosts = [][]byte{
	[]byte("burpcollaborator.net"), []byte("oastify.com"), []byte(".oast."), []byte("interact.sh"), []byte("interactsh"), []byte("dnslog.cn"), []byte(".ceye.io"), []byte("webhook.site"), []byte("requestbin"), []byte("canarytokens.com"), []byte("bxss.me"), []byte("xss.ht"), []byte("ezxss"), []byte("xsshunter"),
}
