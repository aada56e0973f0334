package dotenv

import (
	"maps"
	"strings"
	"testing"
)

// TestParseDotenv holds the rules of Node's dotenv that matter for keys; e2e
// compares whole files with the real one.
func TestParseDotenv(t *testing.T) {
	for text, want := range map[string]map[string]string{
		"":                                 {},
		"A=b":                              {"A": "b"},
		"A=b\nC=d\n":                       {"A": "b", "C": "d"},
		"A=b\r\nC=d\rE=f":                  {"A": "b", "C": "d", "E": "f"},
		"\ufeffA=b":                        {"A": "b"},
		"  export  A = b  ":                {"A": "b"},
		"exportA=b":                        {"exportA": "b"},
		"A: b":                             {"A": "b"},
		"A:b":                              {},
		"A=":                               {"A": ""},
		"A=\nB=c":                          {"A": "", "B": "c"},
		"A":                                {},
		"# A=b\nC=d # e":                   {"C": "d"},
		"A=b#c":                            {"A": "b"},
		`A="b#c" # d`:                      {"A": "b#c"},
		`A='b "c" d'`:                      {"A": `b "c" d`},
		"A=`b 'c' \"d\"`":                  {"A": `b 'c' "d"`},
		`A="b\nc"`:                         {"A": "b\nc"},
		`A='b\nc'`:                         {"A": `b\nc`},
		`A=b\nc`:                           {"A": `b\nc`},
		"A=\"b\nc\"\nD=e":                  {"A": "b\nc", "D": "e"},
		"A=$HOME ${B} $(c)":                {"A": "$HOME ${B} $(c)"},
		`A="$HOME"`:                        {"A": "$HOME"},
		"A=Ym9i/+=":                        {"A": "Ym9i/+="},
		"A=b=c==":                          {"A": "b=c=="},
		`A="b" c`:                          {"A": `"b" c`},
		`A="b`:                             {"A": `"b`},
		`A="b\"c"`:                         {"A": `b\"c`},
		`A="b\"`:                           {"A": `b\`},
		"A=b\nA=c":                         {"A": "c"},
		"A.B-C_1=d":                        {"A.B-C_1": "d"},
		"A=b c":                            {"A": "b c"},
		"no assignment here\nA=b":          {"A": "b"},
		"<html>\n<body bg='x'>\n</html>\n": {},
	} {
		if got := Parse(text); !maps.Equal(got, want) {
			t.Errorf("%q gives %q, want %q", text, got, want)
		}
	}
}

func FuzzParse(f *testing.F) {
	f.Add("A=b\nC=\"d\ne\" # f")
	f.Add("export A='b\\'")
	f.Fuzz(func(t *testing.T, text string) {
		for name := range Parse(text) {
			if name == "" || strings.ContainsFunc(name, func(r rune) bool { return !IsNameRune(r) }) {
				t.Fatalf("%q sets the variable %q", text, name)
			}
		}
	})
}
