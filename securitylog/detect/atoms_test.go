package detect_test

import (
	"net/url"
	"strings"
	"testing"

	"pgregory.net/rapid"

	"github.com/gatehouse-dev/caddy-gatehouse/securitylog/detect"
)

// atoms are what the rules tell apart. Texts of a few of them, in any order, reach the ends of a rule's look ahead and back sooner than
// texts of random letters.
var atoms = strings.Split(`a m 1 0x . .. , = + - -- # * /* */ /*! /*m! @ @@ ! ? ^ ~ or and union select from where not like in is null order by limit sleep( if( case exists `+
	"char( ::int :: -> <@ ' \" ` ( ) [ ] { } < > ; | & $ % \\ / : && || ${ {{ }} <% %> $( <( $(( $[ %a:~ @{[ () { cat id ls echo for if exist == rem <a <script </ <! <? "+
	"on onerror= src= style= javascript: data: alert( eval( constructor. &# &#x61; &lt; \\u0061 \\x27 jndi: ::- lower: ../ ..\\ ..; /etc/ passwd file:// http:// ?? array[ drop into "+
	"exec cmd.exe .exe -c [[ ]] n' \n \r \x00 \t \x01 \xa0 \xc0\xae \xe0\x80 \xff \u00e9 \u2026 \uff07 \u560a", " ")

func TestAtomsInAnyOrder(t *testing.T) {
	d := detect.New(detect.Options{})
	texts := rapid.SliceOfN(rapid.SliceOfN(rapid.SampledFrom(append(atoms, " ")), 1, 6), 100, 100)
	rapid.Check(t, func(t *rapid.T) {
		for _, parts := range texts.Draw(t, "texts") {
			text := strings.Join(parts, "")
			checkAtoms(t, d, text)
		}
	})
}

func checkAtoms(t *rapid.T, d *detect.Detector, text string) {
	defer func() {
		if r := recover(); r != nil {
			t.Fatalf("%q: %v", text, r)
		}
	}()
	d.Target("/p?q=" + url.QueryEscape(text))
	d.Target("/" + text + "?" + text)
	d.Header("X-Any", text)
	d.Body("application/json", []byte(`["`+text+`"]`))
}
