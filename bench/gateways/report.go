//go:build linux

package main

import (
	"bytes"
	_ "embed"
	"flag"
	"fmt"
	"log"
	"os"
	"os/exec"
	"path/filepath"
	"runtime"
	"slices"
	"strings"
	"text/template"
)

// A table holds what was measured in one scenario: for each contender one sample a round.
type table struct {
	scenario
	samples [][]sample
}

// A report is all that one run has found out.
type report struct {
	options
	contenders []*contender
	tables     []*table
	memory     []memory // of each contender
	crowds     []crowd
	opened     []opened
	now, then  benchmarks
}

// memory is a contender's resident memory in bytes: idle, what of that are pages of its program, and under load.
type memory struct{ idle, program, loaded int64 }

// figure is the median of the rounds, and their spread.
type figure struct{ median, low, high float64 }

func figureOf(values []float64) figure {
	values = slices.Sorted(slices.Values(values))
	return figure{values[len(values)/2], values[0], values[len(values)-1]}
}

// figure is what of says of a contender's samples.
func (t *table) figure(contender int, of func(sample) float64) figure {
	var values []float64
	for _, s := range t.samples[contender] {
		values = append(values, of(s))
	}
	return figureOf(values)
}

// ratio is a contender's rate over that of bare Caddy.
func (t *table) ratio(contender int) figure { return t.beside(0, contender) }

// beside is a contender's rate over another's, round by round: what the machine does in a round, it does to both.
func (t *table) beside(other, contender int) figure {
	var values []float64
	for round, s := range t.samples[contender] {
		values = append(values, s.rate()/t.samples[other][round].rate())
	}
	return figureOf(values)
}

func (r *report) idle(contenders []*contender) {
	for _, c := range contenders {
		r.memory = append(r.memory, memory{idle: c.resident(), program: c.mapped()})
	}
}

func (r *report) loaded(contenders []*contender) {
	for i, c := range contenders {
		r.memory[i].loaded = c.resident()
	}
}

//go:embed benchmarks.md.tmpl
var pageText string

func (r *report) markdown() []byte {
	page := template.Must(template.New("benchmarks.md").Parse(pageText))
	var b bytes.Buffer
	if err := page.Execute(&b, map[string]any{
		"Machine": machine(), "Contenders": r.contenders, "Rounds": r.rounds, "Seconds": r.duration.Seconds(),
		"Connections": r.connections, "Tables": r.tables, "Report": r, "Nginx": r.contender("nginx") >= 0, "Command": r.command(),
	}); err != nil {
		log.Fatal(err)
	}
	return b.Bytes()
}

// Rows is the table in Markdown.
func (t *table) Rows(r *report) string {
	var b strings.Builder
	fmt.Fprintf(&b, "| | %s per second | beside bare Caddy | CPU seconds per million | p50 | p99 |\n|---|---|---|---|---|---|\n", t.unit)
	for i, c := range r.contenders {
		rate, ratio := t.figure(i, sample.rate), t.ratio(i)
		cpu := t.figure(i, sample.cpuEach)
		p50 := t.figure(i, func(s sample) float64 { return micros(s.p50) })
		p99 := t.figure(i, func(s sample) float64 { return micros(s.p99) })
		fmt.Fprintf(&b, "| %s | %.0f (%.0f to %.0f) | %.2f (%.2f to %.2f) | %.0f | %s | %s |\n", c.name, rate.median, rate.low, rate.high,
			ratio.median, ratio.low, ratio.high, cpu.median, span(p50.median), span(p99.median))
	}
	return b.String()
}

// contender is the number of the contender of that name, or -1.
func (r *report) contender(name string) int {
	return slices.IndexFunc(r.contenders, func(c *contender) bool { return c.name == name })
}

// command is how the page was written.
func (r *report) command() string {
	text := "go run ./bench/gateways"
	flag.Visit(func(f *flag.Flag) {
		value := f.Value.String()
		if strings.Contains(value, "/") {
			value = filepath.Base(value)
		}
		text += " -" + f.Name
		if value != "true" { // a flag that is given or not
			text += " " + value
		}
	})
	return text
}

// Title is the scenario's heading.
func (t *table) Title() string { return t.title }

// Note says what else is to be known of the figures of bare Caddy; "" if nothing.
func (t *table) Note() string { return t.bare }

// Memory is the table of memory in Markdown.
func (r *report) Memory() string {
	var b strings.Builder
	b.WriteString("| | idle | of that, the program's file | after the rounds |\n|---|---|---|---|\n")
	for i, c := range r.contenders {
		fmt.Fprintf(&b, "| %s | %s | %s | %s |\n", c.name, mebibytes(r.memory[i].idle), mebibytes(r.memory[i].program), mebibytes(r.memory[i].loaded))
	}
	return b.String()
}

func mebibytes(n int64) string { return fmt.Sprintf("%.0f MiB", float64(n)/(1<<20)) }

func span(us float64) string {
	if us < 1000 {
		return fmt.Sprintf("%.0f µs", us)
	}
	return fmt.Sprintf("%.1f ms", us/1000)
}

// machine says on what the figures were taken.
func machine() string {
	model := "unknown processor"
	info, _ := os.ReadFile("/proc/cpuinfo")
	for line := range strings.Lines(string(info)) {
		if name, value, ok := strings.Cut(line, ":"); ok && strings.TrimSpace(name) == "model name" {
			model = strings.TrimSpace(value)
			break
		}
	}
	text := fmt.Sprintf("%s, %d cores, %s/%s, %s", model, runtime.NumCPU(), runtime.GOOS, runtime.GOARCH, runtime.Version())
	if version, err := exec.Command("nginx", "-v").CombinedOutput(); err == nil {
		text += ", " + strings.TrimPrefix(strings.TrimSpace(string(version)), "nginx version: ")
	}
	return text
}
