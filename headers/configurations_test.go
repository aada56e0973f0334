package headers_test

import (
	"strings"
	"testing"

	"github.com/gatehouse-dev/caddy-gatehouse/gatetest"
)

// Thirty configurations that are refused, with what the report has to say, and
// thirty that are accepted.
var refused = []struct{ lines, reason string }{
	{"agent_cors", "needs the origins"},
	{"agent_cors off https://app.example.com", "cannot be allowed"},
	{"agent_cors null", "every sandboxed page"},
	{"agent_cors * {\ncredentials\n}", "every page on the internet"},
	{"agent_cors * https://app.example.com", "makes meaningless"},
	{"agent_cors http://app.example.com {\ncredentials\n}", "anybody on the visitor's network"},
	{"agent_cors https://*.com {\ncredentials\n}", "anybody can register a name there"},
	{"agent_cors https://*.github.io {\ncredentials\n}", "anybody can register a name there"},
	{"agent_cors https://app.example.com/", "leave out the slash"},
	{"agent_cors https://app.example.com/app", "leave out the slash"},
	{"agent_cors https://app.example.com:443", "browsers leave the default port out"},
	{"agent_cors https://App.example.com", "lower case"},
	{"agent_cors app.example.com", "with its scheme"},
	{"agent_cors https://me@app.example.com", "no user name"},
	{"agent_cors https://résumé.example.com", "ASCII form"},
	{"agent_cors https://app-*.example.com", "the only pattern"},
	{"agent_cors file:///home/page.html", "local files"},
	{"agent_cors {http.request.header.Origin}", "only {env.NAME}"},
	{"agent_cors {env.SLASHED}", "leave out the slash"},
	{"agent_cors https://app.example.com https://app.example.com", "is there twice"},
	{"agent_cors https://app.example.com {\nmethods TRACE\n}", "browsers never send it"},
	{"agent_cors https://app.example.com {\nheaders *\n}", "would not cover Authorization"},
	{"agent_cors https://app.example.com {\nheaders Cookie\n}", "cannot be named"},
	{"agent_cors https://app.example.com {\nexpose *\n}", "name the headers that pages may read"},
	{"agent_cors https://app.example.com {\nmax_age 25h\n}", "24h at most"},
	{"agent_headers helmet", "no preset"},
	{"agent_headers {\ncsp script-src self\n}", "with its quotes"},
	{"agent_headers {\ncsp script-src 'nonce-abc'\n}", "protects nothing"},
	{"agent_headers {\nhsts 30d preload\n}", "preload list asks for"},
	{"agent_headers {\nset X-Frame-Options DENY\nframe_options deny\n}", "said twice"},
	{"agent_headers {\nset Access-Control-Allow-Origin *\n}", "agent_cors sets it"},
	{"agent_headers {\nset X-Evil \"a\nb\"\n}", "cannot stand in a header"},
	{"agent_headers {\nhsts {env.SLASHED}\n}", "no duration"},
}

var accepted = []string{
	"agent_cors off",
	"agent_cors *",
	"agent_cors * {\ncredentials off\n}",
	"agent_cors https://app.example.com",
	"agent_cors https://app.example.com {\ncredentials\n}",
	"agent_cors https://app.example.com,https://admin.example.com",
	"agent_cors https://app.example.com https://*.example.org:8443",
	"agent_cors https://*.example.com {\ncredentials\n}",
	"agent_cors http://localhost:3000 {\ncredentials\n}",
	"agent_cors http://localhost:* {\ncredentials\n}",
	"agent_cors http://127.0.0.1:5173 {\ncredentials\n}",
	"agent_cors http://[::1]:5173 {\ncredentials\n}",
	"agent_cors http://app.example.com",
	"agent_cors https://192.0.2.1",
	"agent_cors https://xn--rsum-bpad.example.com",
	"agent_cors {env.UNSET}",
	"agent_cors {env.STAR} {\ncredentials\n}",
	"agent_cors {env.LIST} {env.STAR} {\ncredentials\n}",
	"agent_cors {env.UNSET:https://app.example.com}",
	"agent_cors https://app.example.com {\nmax_age 0\n}",
	"agent_cors https://app.example.com {\nmax_age {env.AGE}\n}",
	"agent_cors https://app.example.com {\nmethods GET PURGE\nheaders X-Own\nexpose X-Own\n}",
	"agent_cors /api/* https://app.example.com",
	"agent_headers",
	"agent_headers web {\ncsp connect-src 'self' wss://app.example.com\n}",
	"agent_headers elizaos",
	"agent_headers api {\nhsts 730d include_subdomains preload\n}",
	"agent_headers {\ncsp script-src 'sha256-47DEQpj8HBSa+/TImW+5JCeuQeRkm5NMpJWZG3hSuFU='\n}",
	"agent_headers {\nset Server gate\nremove X-Frame-Options\n}",
	"agent_headers {\nfor /media/* media\nfor /docs/* elizaos {\nenabled {env.UNSET:off}\n}\n}",
	"agent_headers {\ncsp sandbox allow-scripts\ncsp upgrade-insecure-requests off\n}",
	"agent_headers {\nhsts {env.AGE}\n}",
}

func TestConfigurations(t *testing.T) {
	t.Setenv("SLASHED", "https://app.example.com/")
	t.Setenv("STAR", "*")
	t.Setenv("LIST", "https://app.example.com, https://admin.example.com")
	t.Setenv("AGE", "1h")
	if len(refused) < 30 || len(accepted) < 30 {
		t.Fatalf("%d refused, %d accepted", len(refused), len(accepted))
	}
	g := gatetest.New(t)
	for _, test := range refused {
		err := g.Validate("GATE {\n" + test.lines + "\nrespond ok\n}")
		if err == nil || !strings.Contains(err.Error(), test.reason) {
			t.Errorf("%s\n\t%v", test.lines, err)
			continue
		}
		t.Logf("refused: %-70q %v", test.lines, err)
	}
	for _, lines := range accepted {
		if err := g.Validate("GATE {\n" + lines + "\nrespond ok\n}"); err != nil {
			t.Errorf("%s\n\t%v", lines, err)
		}
	}
}
