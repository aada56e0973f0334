//go:build linux

package main

import (
	"errors"
	"fmt"
	"log"
	"os"
	"os/exec"
	"path/filepath"
	"slices"
	"strconv"
	"strings"
)

// benchmarks is what go test -bench has measured, by name, several times each.
type benchmarks map[string][]bench

// bench is one of them; others are the metrics of its own, by their units.
type bench struct {
	nanoseconds, allocs float64
	others              map[string]float64
}

// runBenchmarks has go test measure the chain of handlers and its growth, and returns the file with what it printed.
func (h *house) runBenchmarks() (string, error) {
	log.Print("running the benchmarks of the chain and of its growth")
	path := filepath.Join(h.dir, "benchmarks")
	out, err := os.Create(path)
	if err != nil {
		return "", err
	}
	cmd := exec.Command("go", "test", "-run", "xxx", "-bench", ".", "-benchtime", "0.3s", "-p", "1", ".", "./bench/growth")
	cmd.Stdout, cmd.Stderr = out, os.Stderr
	err = cmd.Run()
	if err != nil {
		text, _ := os.ReadFile(path)
		err = fmt.Errorf("go test -bench: %w\n%s", err, text)
	}
	return path, errors.Join(err, out.Close())
}

func readBenchmarks(path string) (benchmarks, error) {
	if path == "" {
		return nil, nil
	}
	text, err := os.ReadFile(path)
	if err != nil {
		return nil, err
	}
	found := make(benchmarks)
	for line := range strings.Lines(string(text)) {
		fields := strings.Fields(line)
		if len(fields) < 4 || !strings.HasPrefix(fields[0], "Benchmark") {
			continue
		}
		name := strings.TrimPrefix(fields[0], "Benchmark")
		if dash := strings.LastIndexByte(name, '-'); dash > 0 {
			name = name[:dash] // the number of processors
		}
		b := bench{others: make(map[string]float64)}
		for i := 2; i+1 < len(fields); i += 2 {
			value, err := strconv.ParseFloat(fields[i], 64)
			if err != nil {
				return nil, fmt.Errorf("%s: %s: %w", path, line, err)
			}
			switch fields[i+1] {
			case "ns/op":
				b.nanoseconds = value
			case "allocs/op":
				b.allocs = value
			case "B/op":
			default:
				b.others[fields[i+1]] = value
			}
		}
		found[name] = append(found[name], b)
	}
	return found, nil
}

// of is the median of a benchmark: its time in microseconds, and its allocations.
func (b benchmarks) of(name string) (us, allocs float64, ok bool) {
	runs := b[name]
	if len(runs) == 0 {
		return 0, 0, false
	}
	times := make([]float64, len(runs))
	for i, run := range runs {
		times[i] = run.nanoseconds / 1000
	}
	slices.Sort(times)
	return times[len(times)/2], runs[0].allocs, true
}

// InProcess is the table of what the chain of handlers costs, in Markdown; "" if it was not measured.
func (r *report) InProcess() string {
	if _, _, ok := r.now.of("Preset/elizaos/list"); !ok {
		return ""
	}
	var b strings.Builder
	b.WriteString("| | before | now |\n|---|---|---|\n")
	for _, row := range []struct{ title, name string }{
		{"a list, by handlers that do nothing", "Preset/pass-through/list"},
		{"a list, by `gatehouse elizaos`", "Preset/elizaos/list"},
		{"a list, by `gatehouse api`", "Preset/api/list"},
		{"a chat message, by handlers that do nothing", "Preset/pass-through/chat"},
		{"a chat message, by `gatehouse elizaos`", "Preset/elizaos/chat"},
		{"a chat message, by `gatehouse api`", "Preset/api/chat"},
	} {
		fmt.Fprintf(&b, "| %s | %s | %s |\n", row.title, r.then.cell(row.name), r.now.cell(row.name))
	}
	return b.String()
}

func (b benchmarks) cell(name string) string {
	us, allocs, ok := b.of(name)
	if !ok {
		return "not measured"
	}
	if us < 1 {
		return fmt.Sprintf("%.0f ns, %.0f allocations", us*1000, allocs)
	}
	return fmt.Sprintf("%.1f µs, %.0f allocations", us, allocs)
}

// growth are the benchmarks that show how costs grow.
var growth = []struct {
	title, name string
	sizes       []string
	why         string
}{
	{"keys in the ring", "Ring", []string{"1", "10000", "1000000"}, "a look-up by hash: what grows is the processor's cache misses"},
	{"keys in the key file, up to 200,000 of them in use, limited by key", "Keys", []string{"1", "10000", "1000000"}, "the ring, and the counters of as many clients"},
	{"tiers that count one request", "Tiers", []string{"1", "2", "4", "8", "16", "32"}, "each is checked and charged, and looked for in the list of the client's counters, so that twice as many cost more than twice; 32 are the most that may"},
	{"tiers on a path each, one of which counts a request", "Other", []string{"1", "10", "100", "1000"}, "an index of the paths finds those that may be meant, and only these are asked"},
	{"the same, and the client has a count in each of them", "Active", []string{"1", "10", "100", "1000"}, "a client's counters are a list, which is walked for those of a tier"},
	{"scopes written out, a `require` for each route", "Rules", []string{"1", "10", "100", "1000"}, "an index of the paths finds those that may be meant, and only these are asked"},
	{"routes of one tier, written out as the paths of a matcher", "Paths", []string{"1", "10", "100", "1000"}, "the same index, within the matcher"},
	{"routes of ElizaOS, in one table of 90", "Table", []string{"api_agents", "api_messaging_channels_2e0a6c0e-0b8a-4d4f-8d0e-5f4a3c2b1a00_messages", "api_never_heard_of"}, "a tree by segments: the length of the path counts, not the number of routes"},
	{"requests and streams in flight", "Streams", []string{"1", "100", "10000"}, "a list that a request enters and leaves at its head"},
}

// Growth is the table of growth in Markdown; "" if it was not measured.
func (r *report) Growth() string {
	var b strings.Builder
	for _, g := range growth {
		var cells []string
		for _, size := range g.sizes {
			runs := r.now[g.name+"/"+size]
			us, _, ok := r.now.of(g.name + "/" + size)
			if !ok {
				continue
			}
			label, _, _ := strings.Cut(size, "-")
			cell := fmt.Sprintf("%s: %s", strings.ReplaceAll(label, "_2e0a6c0e", "/:channel/..."), duration(us))
			if start, ok := runs[0].others["s/start"]; ok {
				cell += fmt.Sprintf(" (read in %.1f s, %.0f bytes of the heap each)", start, runs[0].others["B/key"])
			}
			cells = append(cells, cell)
		}
		if cells != nil {
			fmt.Fprintf(&b, "| %s | %s | %s |\n", g.title, strings.Join(cells, "<br>"), g.why)
		}
	}
	if b.Len() == 0 {
		return ""
	}
	return "| number of | a request costs | why |\n|---|---|---|\n" + b.String()
}

func duration(us float64) string {
	if us < 1 {
		return fmt.Sprintf("%.0f ns", us*1000)
	}
	return fmt.Sprintf("%.1f µs", us)
}
