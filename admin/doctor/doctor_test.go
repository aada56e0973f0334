package doctor

import (
	"strings"
	"testing"
	"time"
)

var now = time.Date(2026, 6, 1, 12, 0, 0, 0, time.UTC)

func ago(days int) time.Time { return now.Add(-time.Duration(days) * day) }

// healthy is a deployment in which nothing is wrong.
func healthy() *Deployment {
	strict := map[string]string{
		"Content-Security-Policy": "default-src 'none'; frame-ancestors 'none'", "Strict-Transport-Security": "max-age=31536000",
		"X-Content-Type-Options": "nosniff", "Referrer-Policy": "no-referrer",
	}
	return &Deployment{
		Now: now,
		Sites: []Site{{
			Name: "agents.example.com", Exposed: true, TLS: true, Guarded: true, Origins: []string{"https://app.example.com"}, Credentials: true,
			Limits:    []Limit{{Tier: "api", Requests: 1000, Window: 15 * time.Minute}},
			MaxBody:   2 << 20,
			Upstreams: []Upstream{{Address: "127.0.0.1:3000", Guarded: true, Kind: "elizaos", Spread: []Share{{Requests: 500}, {Requests: 40, Paths: []string{"/api/audio/*"}}}}},
			Handshake: &Handshake{Issuer: "Let's Encrypt E7", NotBefore: ago(10), NotAfter: ago(-80)},
			Plain:     &Answer{Method: "GET", Path: "/api/agents", Status: 403},
			Refused:   &Answer{Method: "GET", Path: "/api/agents", Status: 401, Header: strict},
			Stranger:  &Answer{Method: "GET", Path: "/api/agents", Status: 401},
			Page:      &Answer{Method: "GET", Path: "/", Status: 403},
			Open:      []Answer{{Method: "GET", Path: "/healthz", Status: 200}},
		}},
		Keys:        []Key{{ID: "ci", Place: "key file", Created: ago(3), Rotate: true}, {ID: "client", Place: "agents.example.com", Variable: "ELIZA_API_KEY", File: File{Path: "/etc/gatehouse/.env.production", Changed: ago(20)}, Bits: 200}},
		KeyFile:     &KeyFile{Path: "/var/lib/gatehouse/keys.json"},
		EnvFiles:    []File{{Path: "/etc/gatehouse/.env.production", Changed: ago(20)}},
		Environment: Environment{Source: "/etc/gatehouse/.env.production", Values: map[string]string{"NODE_ENV": "production", "SERVER_HOST": "127.0.0.1"}},
		Backends:    []Backend{{Address: "127.0.0.1:3000", Local: true, Listens: []string{"127.0.0.1:3000"}, Asked: 2, Keyless: &Answer{Path: "/api/agents", Status: 401}}},
		Admin:       Admin{Address: "/run/gatehouse/admin.sock", Unix: true, Mode: 0o600},
		Logs:        []Log{{Name: "security", Output: "file /var/log/gatehouse/security.log", Own: true, File: "/var/log/gatehouse/security.log", Grew: true}},
		Backup:      &Backup{Where: "/var/backups", Path: "/var/backups/gatehouse.tgz.age", Changed: ago(1), Size: 4096, Encrypted: true},
	}
}

func TestHealthy(t *testing.T) {
	results, err := Examine(healthy(), nil)
	if err != nil {
		t.Fatal(err)
	}
	for _, r := range results {
		if r.Status != OK || len(r.Found) == 0 {
			t.Errorf("%+v", r)
		}
	}
	items := make(map[int]bool)
	for _, check := range Checks {
		items[check.Item] = true
	}
	for item := 1; item <= 10; item++ {
		if !items[item] {
			t.Errorf("no check answers item %d of the checklist", item)
		}
	}
}

// TestChecks is an illness for each thing that a check can find.
func TestChecks(t *testing.T) {
	site := func(d *Deployment) *Site { return &d.Sites[0] }
	for _, test := range []struct {
		check  string
		status Status
		spoil  func(d *Deployment)
		want   string // of what was seen, or the remedy
	}{
		{"keys", Failed, func(d *Deployment) { d.Keys[0].Created = ago(400) }, "gatehouse key rotate ci --file /var/lib/gatehouse/keys.json"},
		{"keys", Warning, func(d *Deployment) { d.Keys[0].Created = ago(91) }, "the key ci (key file) is 91 days old"},
		{"keys", OK, func(d *Deployment) { d.Keys[0].Created = ago(90) }, "90 days"},
		{"keys", Failed, func(d *Deployment) { d.Keys[1].File.Changed = ago(366) }, "is at least 366 days old"},
		{"keys", Failed, func(d *Deployment) { d.Keys[1].Bits = 79 }, "in ELIZA_API_KEY"},
		{"keys", OK, func(d *Deployment) { d.Keys[1].Bits = 0 }, "20 days ago"},
		{"keys", OK, func(d *Deployment) { d.Keys[1].File = File{} }, "nobody knows its age"},
		{"keys", Warning, func(d *Deployment) { d.Keys[1].IsBackends = true }, "ELIZA_API_KEY"},
		{"keys", Warning, func(d *Deployment) { d.Keys[0].Unasked = []string{"raed (is read meant?)"} }, "the key ci (key file) has the scope raed (is read meant?), which no rule asks for"},
		{"keys", Warning, func(d *Deployment) { d.Keys = nil }, "there is no key"},
		{"keys", Failed, func(d *Deployment) { d.KeyFile.Problem = "no JSON" }, "gatehouse key check"},
		{"keys", Warning, func(d *Deployment) { d.KeyFile.Loose = "others can read it" }, "chmod 0600"},
		{"cors", Failed, func(d *Deployment) { site(d).Origins = []string{"*"} }, "CORS_ORIGIN="},
		{"cors", Failed, func(d *Deployment) { site(d).Stranger.Header = map[string]string{"Access-Control-Allow-Origin": "*"} }, "Access-Control-Allow-Origin: *"},
		{"cors", Warning, func(d *Deployment) { site(d).Origins = []string{"http://app.example.com"} }, "plain http"},
		{"cors", Warning, func(d *Deployment) { site(d).Origins = []string{"http://localhost.example.com"} }, "plain http"},
		{"cors", OK, func(d *Deployment) { site(d).Origins = []string{"http://localhost:5173"} }, "localhost"},
		{"cors", OK, func(d *Deployment) { site(d).Origins = []string{"http://[::1]:5173"} }, "[::1]"},
		{"cors", OK, func(d *Deployment) { site(d).Origins = nil }, "no page of another origin"},
		{"certificate", Failed, func(d *Deployment) { site(d).TLS = false }, "plain http, where keys can be read"},
		{"certificate", OK, func(d *Deployment) { site(d).TLS, site(d).Exposed = false, false }, "this machine alone"},
		{"certificate", Failed, func(d *Deployment) { site(d).Unreachable = "connection refused" }, "does not answer"},
		{"certificate", Failed, func(d *Deployment) { site(d).Handshake = &Handshake{Error: "internal error"} }, "tls.obtain"},
		{"certificate", Failed, func(d *Deployment) { site(d).Handshake.NotAfter = ago(1) }, "has ended on 2026-05-31"},
		{"certificate", Warning, func(d *Deployment) { site(d).Handshake.NotBefore, site(d).Handshake.NotAfter = ago(70), ago(-20) }, "ends in 20 days and should have been renewed"},
		{"certificate", OK, func(d *Deployment) { site(d).Handshake.NotBefore, site(d).Handshake.NotAfter = ago(60), ago(-30) }, "valid until"},
		{"certificate", Failed, func(d *Deployment) { site(d).Handshake.Untrusted = "certificate signed by unknown authority" }, "SSL_CERT_FILE"},
		{"certificate", Failed, func(d *Deployment) {
			site(d).Handshake.Untrusted, site(d).Handshake.IssuedByGateItself = "unknown authority", true
		}, "tls internal"},
		{"certificate", Warning, func(d *Deployment) {
			h := site(d).Handshake
			h.Untrusted, h.IssuedByGateItself, h.NamesOnlyThisMachine = "unknown authority", true, true
		}, "only this machine knows"},
		{"certificate", Failed, func(d *Deployment) { site(d).Handshake.SpeaksOld = true }, "TLS 1.1"},
		{"certificate", Failed, func(d *Deployment) { site(d).Plain.Status = 200 }, "without https"},
		{"node_env", Failed, func(d *Deployment) { d.Environment.Values["NODE_ENV"] = "development" }, "NODE_ENV=production in /etc/gatehouse/.env.production"},
		{"node_env", Failed, func(d *Deployment) { delete(d.Environment.Values, "NODE_ENV") }, "is not set"},
		{"node_env", Warning, func(d *Deployment) { d.Environment = Environment{} }, "nobody knows"},
		{"server_host", Failed, func(d *Deployment) { d.Environment.Values["SERVER_HOST"] = "::" }, "SERVER_HOST=127.0.0.1"},
		{"server_host", Failed, func(d *Deployment) { delete(d.Environment.Values, "SERVER_HOST") }, "every address"},
		{"server_host", OK, func(d *Deployment) { d.Environment.Values["SERVER_HOST"] = "localhost" }, "localhost"},
		{"server_host", Warning, func(d *Deployment) { d.Environment = Environment{} }, "nobody knows"},
		{"ui", Failed, func(d *Deployment) { site(d).UI = true }, "ELIZA_UI_ENABLE=false"},
		{"ui", Failed, func(d *Deployment) { site(d).Page = &Answer{Status: 200, HTML: true} }, "answers / with a page"},
		{"ui", OK, func(d *Deployment) { site(d).Page = nil }, "is off"},
		{"proxy", Failed, func(d *Deployment) {
			d.Sites = append(d.Sites, Site{Name: "old.example.com", Upstreams: []Upstream{{Address: "127.0.0.1:3000"}}})
		}, "past the gate"},
		{"proxy", Warning, func(d *Deployment) {
			d.Sites = append(d.Sites, Site{Name: "wiki.example.com", Upstreams: []Upstream{{Address: "127.0.0.1:8080"}}})
		}, "wiki.example.com leads to 127.0.0.1:8080"},
		{"proxy", Failed, func(d *Deployment) { site(d).Upstreams = nil }, "no site leads to a backend"},
		{"reach", Failed, func(d *Deployment) { d.Backends[0].Outward = []string{"192.0.2.7:3000"} }, "also answers at 192.0.2.7:3000"},
		{"reach", Failed, func(d *Deployment) { d.Backends[0].Listens = []string{"0.0.0.0:3000"} }, "only a firewall"},
		{"reach", Failed, func(d *Deployment) { d.Backends[0].Listens = []string{"[::]:3000"} }, "SERVER_HOST=127.0.0.1"},
		{"reach", OK, func(d *Deployment) { d.Backends[0].Listens = []string{"[::1]:3000", "127.0.0.1:3000"} }, "alone"},
		{"reach", OK, func(d *Deployment) { d.Backends[0].Listens = nil }, "was tried on 2"},
		{"reach", OK, func(d *Deployment) { d.Backends[0].Listens, d.Backends[0].Asked = nil, 0 }, "no other address"},
		{"reach", Warning, func(d *Deployment) { d.Backends[0].Keyless = nil }, "does not answer"},
		{"reach", Warning, func(d *Deployment) { d.Backends[0].Keyless.Status = 200 }, "ELIZA_SERVER_AUTH_TOKEN"},
		{"reach", Failed, func(d *Deployment) { d.Backends[0] = Backend{Address: "198.51.100.4:3000"} }, "its key can be read"},
		{"reach", Warning, func(d *Deployment) { d.Backends[0] = Backend{Address: "eliza:3000", Private: true} }, "examples/docker"},
		{"reach", OK, func(d *Deployment) { d.Backends[0] = Backend{Address: "eliza:3000", TLS: true} }, "by https"},
		{"open", Failed, func(d *Deployment) {
			site(d).Open = append(site(d).Open, Answer{Method: "GET", Path: "/api/agents", Status: 200})
		}, "GET /api/agents (200)"},
		{"open", Warning, func(d *Deployment) {
			site(d).Anonymous = []string{"read"}
			site(d).Open = append(site(d).Open, Answer{Method: "GET", Path: "/api/agents", Status: 200})
		}, "anonymous"},
		{"open", Warning, func(d *Deployment) { site(d).Refused = nil }, "could not be asked"},
		{"forwarded", Failed, func(d *Deployment) { site(d).TrustsAll = true }, "whole world"},
		{"forwarded", Failed, func(d *Deployment) { site(d).Lenient = true }, "trusted_proxies_strict"},
		{"forwarded", Failed, func(d *Deployment) {
			site(d).Believed = []Believed{{Header: "X-Forwarded-For", From: "192.0.2.7", First: true}}
		}, "made up in X-Forwarded-For"},
		{"forwarded", Warning, func(d *Deployment) { site(d).Believed = []Believed{{Header: "X-Forwarded-For", From: "127.0.0.1"}} }, "a tunnel"},
		{"forwarded", Warning, func(d *Deployment) { site(d).Refused = nil }, "could not be asked"},
		{"headers", Failed, func(d *Deployment) { site(d).Refused.Header = nil }, "grade D, 30"},
		{"headers", Warning, func(d *Deployment) { delete(site(d).Refused.Header, "Strict-Transport-Security") }, "grade B+"},
		{"headers", OK, func(d *Deployment) { site(d).Refused.Header["Server"] = "Caddy" }, "Server tells"},
		{"headers", Warning, func(d *Deployment) { site(d).Refused = nil }, "could not be asked"},
		{"limits", Failed, func(d *Deployment) { site(d).Limits = nil }, "nothing is limited"},
		{"limits", Failed, func(d *Deployment) { site(d).Limits[0].Shadow = true }, "shadow"},
		{"limits", Failed, func(d *Deployment) { site(d).Upstreams[0].Spread = nil }, "all clients together are one address"},
		{"limits", Failed, func(d *Deployment) { site(d).Upstreams[0].Spread[0].Requests = 1001 }, "write `spread 500`"},
		{"limits", OK, func(d *Deployment) { site(d).Upstreams[0].Spread[0].Requests = 1000 }, "api 1000 in 15m"},
		{"limits", Failed, func(d *Deployment) { site(d).Upstreams[0].Spread[1].Requests = 51 }, "write `spread 40 /api/audio/*`"},
		{"limits", Failed, func(d *Deployment) { site(d).MaxBody = 2<<20 + 1 }, "EXPRESS_MAX_PAYLOAD"},
		{"limits", OK, func(d *Deployment) { site(d).MaxBody, d.Environment.Values["EXPRESS_MAX_PAYLOAD"] = 10<<20, "10mb" }, "api"},
		{"limits", Failed, func(d *Deployment) { site(d).MaxBody = 0 }, "any length"},
		{"limits", OK, func(d *Deployment) { site(d).Upstreams[0] = Upstream{Guarded: true} }, "api"},
		{"admin", Failed, func(d *Deployment) { d.Admin.Answered = []string{"127.0.0.1:2019"} }, "admin unix//run/gatehouse/admin.sock|0600"},
		{"admin", Failed, func(d *Deployment) { d.Admin = Admin{Address: "localhost:2019"} }, "listens on TCP"},
		{"admin", Failed, func(d *Deployment) { d.Admin.Abstract = true }, "no owner"},
		{"admin", Failed, func(d *Deployment) { d.Admin.Mode = 0o602 }, "every user"},
		{"admin", Warning, func(d *Deployment) { d.Admin.Mode = 0o660 }, "the group"},
		{"admin", Warning, func(d *Deployment) { d.Admin.Remote = ":2021" }, "other machines"},
		{"log", Failed, func(d *Deployment) { d.Logs = nil }, "no log takes security events"},
		{"log", Failed, func(d *Deployment) { d.Logs[0].Discards = true }, "so that they could be read: security"},
		{"log", Failed, func(d *Deployment) { d.Logs[0].Level = "ERROR" }, "level INFO"},
		{"log", Failed, func(d *Deployment) { d.Logs[0].Grew = false }, "nothing was written"},
		{"log", Warning, func(d *Deployment) { d.Logs[0].Unseen = "permission denied" }, "permission denied"},
		{"log", Warning, func(d *Deployment) { d.Logs[0] = Log{Name: "default", Output: "stderr"} }, "where everything else goes"},
		{"log", OK, func(d *Deployment) { d.Logs[0] = Log{Name: "security", Output: "net 10.0.0.9:514", Own: true} }, "net 10.0.0.9:514"},
		{"backup", Warning, func(d *Deployment) { d.Backup = nil }, "--backup"},
		{"backup", Failed, func(d *Deployment) { d.Backup.Problem = "no file is there" }, "there is no backup in /var/backups"},
		{"backup", Failed, func(d *Deployment) { d.Backup.Size = 0 }, "is empty"},
		{"backup", Warning, func(d *Deployment) { d.Backup.Changed = ago(8) }, "is 8 days old"},
		{"backup", Failed, func(d *Deployment) { d.Backup.Changed = ago(32) }, "is 32 days old"},
		{"backup", Warning, func(d *Deployment) {
			d.Backup.Encrypted, d.Backup.Names = false, []string{"var/lib/gatehouse/keys.json", "etc/gatehouse/.env.production"}
		}, "is not encrypted"},
		{"backup", Failed, func(d *Deployment) {
			d.Backup.Encrypted, d.Backup.Names = false, []string{"etc/gatehouse/.env.production"}
		}, "lacks /var/lib/gatehouse/keys.json"},
		{"backup", Failed, func(d *Deployment) { d.Backup.Encrypted, d.Backup.Readable = false, true }, "every user of this machine can read it"},
	} {
		d := healthy()
		test.spoil(d)
		results, err := Examine(d, nil)
		if err != nil {
			t.Fatal(err)
		}
		for _, r := range results {
			if r.Check != test.check {
				continue
			}
			var b strings.Builder
			if err := Write(&b, []Result{r}); err != nil {
				t.Fatal(err)
			}
			if r.Status != test.status || !strings.Contains(b.String(), test.want) {
				t.Errorf("wanted is %s %q: %s", test.status, test.want, b.String())
			}
			for _, f := range r.Found {
				if (f.Remedy == "") != (f.Status == OK) {
					t.Errorf("%s: the remedy of %q is %q", r.Check, f.Saw, f.Remedy)
				}
			}
		}
	}
}

func TestSkip(t *testing.T) {
	d := healthy()
	d.Backup = &Backup{Problem: "none"}
	results, err := Examine(d, []string{"backup"})
	if err != nil || Count(results, Failed) != 0 || Count(results, Skipped) != 1 {
		t.Errorf("%v %v", results, err)
	}
	if _, err := Examine(d, []string{"back"}); err == nil || !strings.Contains(err.Error(), "there are keys, cors") {
		t.Errorf("a check that does not exist: %v", err)
	}
}

// TestGrades holds the grades to those that the Observatory gave, without its
// bonuses (docs/security-headers.md): nothing, ElizaOS' own, and the gate's.
func TestGrades(t *testing.T) {
	eliza := map[string]string{
		"Content-Security-Policy": "default-src 'self';style-src 'self' 'unsafe-inline' https: http:;script-src * 'unsafe-inline' 'unsafe-eval'",
		"Referrer-Policy":         "no-referrer-when-downgrade", "X-Content-Type-Options": "nosniff", "X-Frame-Options": "SAMEORIGIN",
	}
	for _, test := range []struct {
		header map[string]string
		https  bool
		points int
		letter string
	}{
		{nil, true, 30, "D"},
		{nil, false, 50, "C"},
		{eliza, true, 55, "C"},
		{map[string]string{"Content-Security-Policy": "default-src 'none'; frame-ancestors 'none'", "X-Content-Type-Options": "nosniff", "Strict-Transport-Security": "max-age=31536000; includeSubDomains"}, true, 100, "A+"},
		{map[string]string{"Content-Security-Policy": "default-src 'none'; frame-ancestors 'none'", "X-Content-Type-Options": "nosniff", "Strict-Transport-Security": `max-age="60"`}, true, 90, "A"},
		{map[string]string{"Content-Security-Policy": "img-src 'self'; frame-ancestors 'none'", "X-Content-Type-Options": "nosniff"}, false, 80, "B+"},
		{map[string]string{"Content-Security-Policy": "script-src 'self' 'unsafe-eval'", "X-Frame-Options": "deny", "X-Content-Type-Options": "nosniff"}, false, 90, "A"},
	} {
		if g := GradeHeaders(test.header, test.https); g.Points != test.points || g.Letter != test.letter {
			t.Errorf("%v: %+v, wanted is %s %d", test.header, g, test.letter, test.points)
		}
	}
}

func TestShort(t *testing.T) {
	for d, want := range map[time.Duration]string{15 * time.Minute: "15m", time.Hour: "1h", 90 * time.Second: "1m30s", 90 * time.Minute: "1h30m", time.Second: "1s", 24 * time.Hour: "24h"} {
		if got := short(d); got != want {
			t.Errorf("%s is written %s", d, got)
		}
	}
}

func FuzzPolicy(f *testing.F) {
	f.Add("default-src 'none'; script-src *", "max-age=1", "2mb")
	f.Fuzz(func(t *testing.T, csp, hsts, size string) {
		g := GradeHeaders(map[string]string{"Content-Security-Policy": csp, "Strict-Transport-Security": hsts}, true)
		if g.Points < 0 || g.Points > 100 || g.Letter == "" {
			t.Errorf("%+v", g)
		}
		if n, ok := bytesOf(size); ok && n < 0 {
			t.Errorf("%s is %d bytes", size, n)
		}
	})
}
