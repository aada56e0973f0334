//go:build linux

package main

import (
	"bytes"
	"fmt"
	"html"
)

// colours are those of the contenders, told apart by people who see no red or green too.
var colours = []string{"#777777", "#0072b2", "#cc79a7", "#e69f00", "#009e73", "#56b4e9"}

// chart draws, for each scenario, every contender's rate beside that of bare Caddy.
func (r *report) chart() []byte {
	const bar, gap, left, width = 14, 18, 330, 420
	most := 1.0
	for _, t := range r.tables {
		for i := range r.contenders {
			most = max(most, t.ratio(i).median)
		}
	}
	group := len(r.contenders)*bar + gap
	height := 50 + len(r.tables)*group
	var b bytes.Buffer
	fmt.Fprintf(&b, `<svg xmlns="http://www.w3.org/2000/svg" viewBox="0 0 %d %d" font-family="sans-serif" font-size="12">`+"\n", left+width+60, height)
	fmt.Fprintf(&b, `<rect width="100%%" height="100%%" fill="#ffffff"/>`+"\n")
	for i, c := range r.contenders {
		fmt.Fprintf(&b, `<rect x="%d" y="12" width="12" height="12" fill="%s"/><text x="%d" y="22">%s</text>`+"\n",
			20+110*i, colours[i], 37+110*i, html.EscapeString(c.name))
	}
	for k, t := range r.tables {
		top := 45 + k*group
		fmt.Fprintf(&b, `<text x="20" y="%d">%s</text>`+"\n", top+group/2-4, html.EscapeString(t.title))
		for i := range r.contenders {
			ratio := t.ratio(i).median
			length := int(ratio / most * width)
			fmt.Fprintf(&b, `<rect x="%d" y="%d" width="%d" height="%d" fill="%s"/><text x="%d" y="%d">%.2f</text>`+"\n",
				left, top+i*bar, length, bar-2, colours[i], left+length+5, top+i*bar+10, ratio)
		}
	}
	b.WriteString("</svg>\n")
	return b.Bytes()
}
