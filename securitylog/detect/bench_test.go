package detect_test

import (
	"strings"
	"testing"

	"github.com/gatehouse-dev/caddy-gatehouse/securitylog/detect"
)

const browserAgent = "Mozilla/5.0 (Macintosh; Intel Mac OS X 10_15_7) AppleWebKit/537.36 (KHTML, like Gecko) Chrome/131.0.0.0 Safari/537.36"

var requests = []struct{ name, target string }{
	{"static", "/assets/index-4f3a9c1e.js"},
	{"api", "/api/messaging/channels/3f2b8c1e-6f3c-4a37-9f6e-0c5fbe1c2b11/messages?limit=50&before=1731931200000"},
	{"chat_plain", "/api/messaging/search?q=could+you+tell+me+what+the+weather+will+be+like+in+lisbon+tomorrow+afternoon"},
	{"chat_punctuated", "/api/messaging/search?q=I+don%27t+know+(yet)%3B+what%27s+the+%22best%22+way+to+do+it%3F"},
	{"attack_sqli", "/api/agents?id=7%27%20AND%203=3%20--%20-"},
}

func BenchmarkTarget(b *testing.B) {
	d := detect.New(detect.Options{})
	for _, r := range requests {
		b.Run(r.name, func(b *testing.B) {
			b.ReportAllocs()
			for b.Loop() {
				d.Request(r.target, "", "")
			}
		})
	}
}

func BenchmarkUserAgent(b *testing.B) {
	d := detect.New(detect.Options{})
	b.ReportAllocs()
	for b.Loop() {
		d.Request("/", browserAgent, "")
	}
}

// heavy are 8 KiB texts that visit the rules as often as they can.
func heavy() map[string]string {
	const size = 8 << 10
	fill := func(unit string) string { return "/s?q=" + strings.Repeat(unit, size/len(unit)) }
	return map[string]string{
		"tags":      fill("%3Ca%20"),
		"quotes":    fill("'%20or%20"),
		"escapes":   fill("%252525"),
		"lookups":   fill("$%7B"),
		"templates": fill("%7B%7B"),
		"brackets":  fill("("),
		"selects":   fill("(select%20"),
		"dots":      fill("./"),
		"equals":    fill("on="),
		"colons":    fill("javascript:%20a%20"),
		"comments":  fill("/*"),
		"amps":      fill("%26%23"),
		"pipes":     fill("|a%20"),
		"rows":      fill("%7C%20id%20"),
		"braces":    fill(";%7Bcat,"),
		"runners":   fill(";do%20sudo%20"),
		"flags":     fill("%20%22--ab"),
		"mentions":  fill("talk%20about%20the%20odd%20%3Cscript%3E%20"),
		"choices":   fill("%3Ca%7C"),
		"ticks":     fill("`a%20"),
		"breaks":    fill("%0aa:"),
		"words":     fill("or+1+"),
		"dollars":   fill("$"),
		"colons2":   fill("::"),
		"calls":     fill("eval("),
		"newlines":  fill("%0a"),
		"data":      fill("data:"),
		"pipes2":    fill("|"),
		"defaults":  fill("$%7Ba%7D"),
		"batch":     fill("%26for%20%25a%20"),
		"batch2":    fill("|if%20(a%20"),
		"casts":     fill("a::int%20"),
		"hashes":    fill("%23%20"),
		"exponents": fill("1.e("),
		"trailing":  "/s?q=" + strings.Repeat("%26last%20x", 300) + strings.Repeat("+", size/2),
		"doctypes":  fill("%3C!a%20"),
		"shapes":    fill("(polygon("),
		"listed":    fill("c%7Ba,"),
		"hidden":    "/s?q=" + strings.Repeat("\"%23", size/4) + "x",
		"glued":     "/s?q='" + strings.Repeat("0and", size/4),
		"tilde":     fill("%25a:~"),
		"expands":   fill("$%7Ba//"),
		"unset":     fill(";$a%20"),
		"empties":   fill(";%7B,"),
		"mails":     fill("%0aa1%20"),
		"probes":    fill("\"(,"),
		"remarks":   fill("document/*"),
		"padding":   fill("="),
		"padding2":  fill("%3D"),
		"braced":    fill("$`{${"),
		"views":     fill("%5Cx27%20or%20"),
		"values":    "/s?" + strings.Repeat("a='or%3Bif%20(&", size/15),
		"paths":     "/" + strings.Repeat("%3D", size/3),
		"names":     "/s?" + strings.Repeat("|%0d|a--\\x27%3Ca%3C/||%3C%25or=1&", size/32),
		"entries":   "/s?" + strings.Repeat("a=%0d{case%3Ca\\x27%3Cajndi:%25%3E%3Cm&", size/40),
		"params":    "/s?" + strings.Repeat("a='&", size/4),
		"segments":  strings.Repeat("/etc", size/4),

		// What a search for costly texts has found: pieces of the rules' signs, in the order that took longest.
		"homes":    "/s?q=window[" + strings.Repeat("$(~/", size/4),
		"joined":   "/s?q=./@({$o:1:<%" + strings.Repeat("a|b||", size/5),
		"ifs":      "/||" + strings.Repeat("if(", size/3),
		"hops":     "/&#x61;~/" + strings.Repeat("|..;", size/4),
		"fields":   "/s?" + strings.Repeat("a=%e5%98%8a%3C%3Cfor%3C%25ona--con=n'[::-a=$(@(%3C(\\x27&", size/52),
		"unnamed":  "/s?" + strings.Repeat("``where{$~--%3C?v-on:`;;..;\\x27&", size/33),
		"attached": "/s?" + strings.Repeat("}do.:/${\\x27%3C/substring(a%26b=x&", size/35),
		"several":  "/s?q=o:1:" + strings.Repeat("%3C({$(%3C!--%23data:~/%26lt;case=%3C%25onb=;location$(a,b.:/\\x27%e5%98%8adata:==", size/83),
		"closed":   "/s?q=drop{%25top\\u0061" + strings.Repeat("$(./", size/4),
	}
}

// heavyBodies are JSON documents of 8 KiB, most of them of many short strings: each is a text by itself.
func heavyBodies() map[string][]byte {
	const size = 8 << 10
	list := func(str string) []byte { return []byte("[" + strings.Repeat(`"`+str+`",`, size/(len(str)+3)) + `""]`) }
	return map[string][]byte{
		"commands":   list("|a;<a$(id`"),
		"choices":    list("a'or;if (`"),
		"references": list("&lt;`a`<%a:b"),
		"escapes":    list(`<a\\x27%` + "`a`"),
		"breaks":     list("`&lt;a\\r\\u0001<a::"),
		"short":      list("<%::"),
		"one":        []byte(`["limit<(%25.../` + strings.Repeat("if(+", size/4) + `"]`),
	}
}

func BenchmarkHeavy(b *testing.B) {
	d := detect.New(detect.Options{})
	for name, target := range heavy() {
		b.Run(name, func(b *testing.B) {
			b.ReportAllocs()
			for b.Loop() {
				d.Target(target)
			}
		})
	}
}

func BenchmarkHeavyBody(b *testing.B) {
	d := detect.New(detect.Options{})
	for name, body := range heavyBodies() {
		b.Run(name, func(b *testing.B) {
			for b.Loop() {
				d.Body("application/json", body)
			}
		})
	}
}

// BenchmarkReference reads the same texts once, byte by byte, through a table: what this machine needs at least, at this moment.
func BenchmarkReference(b *testing.B) {
	var table [256]byte
	for i := range table {
		table[i] = byte(i) * 7
	}
	for _, r := range append(requests, struct{ name, target string }{"browser", browserAgent}) {
		b.Run(r.name, func(b *testing.B) {
			for b.Loop() {
				readOnce(&table, r.target)
			}
		})
	}
}

//go:noinline
func readOnce(table *[256]byte, text string) byte {
	sum := byte(0)
	for i := range len(text) {
		sum |= table[text[i]]
	}
	return sum
}
