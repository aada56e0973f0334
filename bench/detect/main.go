// Command detect measures the detector on labelled requests, beside ElizaOS' own rules and libinjection alone.
//
//	go run ./bench/detect -data <folder> [-misses n] [-class name] [-source name]
//
// The folder holds *.ndjson.gz: one JSON object a line with class, label ("attack" or "benign"), source, and target or user_agent.
// For each class and source it prints how many were seen, how many of those under the right name, and for clean requests how many were
// flagged. With -misses it also prints examples of what was judged wrongly.
package main

import (
	"bufio"
	"cmp"
	"compress/gzip"
	"encoding/json"
	"flag"
	"fmt"
	"log"
	"os"
	"path/filepath"
	"slices"
	"strings"
	"text/tabwriter"
	"time"

	"github.com/gatehouse-dev/caddy-gatehouse/securitylog/detect"
)

type sample struct {
	Class     string `json:"class"`
	Label     string `json:"label"`
	Source    string `json:"source"`
	Target    string `json:"target"`
	UserAgent string `json:"user_agent"`
}

// rightNames are the event names that name a labelled class rightly, where it is not the class's own name alone. File lists of the
// collections mix absolute paths and dot-dot ones, so either name is right there.
var rightNames = map[string][]string{
	"traversal-exotic":    {"traversal"},
	"lfi":                 {"lfi", "traversal"},
	"traversal":           {"traversal", "lfi"},
	"js":                  {"js"},
	"java":                {"cmdi", "ssti", "log4shell"},
	"php":                 {"cmdi", "ssti", "lfi"},
	"generic":             {"cmdi", "ssti", "rfi", "js", "nosqli"},
	"ua-scanner":          {"ua"},
	"ua-inject-sqli":      {"sqli"},
	"ua-inject-xss":       {"xss", "js"},
	"ua-inject-traversal": {"traversal"},
}

type group struct{ label, class, source string }

type tally struct {
	n, seen, named      int
	eliza, libinjection int
	wrong               []string
	byEvent             map[string]int
	elapsed             time.Duration
}

func main() {
	log.SetFlags(0)
	data := flag.String("data", "", "folder with labelled *.ndjson.gz `files`")
	misses := flag.Int("misses", 0, "how many wrongly judged requests to print for each group")
	class := flag.String("class", "", "measure this class alone")
	source := flag.String("source", "", "measure this source alone")
	flag.Parse()
	if *data == "" {
		log.Fatal("name the folder of the labelled requests with -data")
	}
	files, err := filepath.Glob(filepath.Join(*data, "*.ndjson.gz"))
	if err != nil {
		log.Fatalf("-data %q: %v", *data, err)
	}
	if len(files) == 0 {
		log.Printf("no *.ndjson.gz in %s: nothing measured", *data)
		return
	}
	m := &measurement{detector: detect.New(detect.Options{}), groups: map[group]*tally{}, misses: *misses}
	for _, f := range files {
		err := read(f, func(s sample) {
			if (*class == "" || s.Class == *class) && (*source == "" || s.Source == *source) {
				m.add(s)
			}
		})
		if err != nil {
			log.Fatal(err)
		}
	}
	m.print()
}

func read(file string, each func(sample)) error {
	f, err := os.Open(file)
	if err != nil {
		return err
	}
	defer f.Close()
	zr, err := gzip.NewReader(f)
	if err != nil {
		return fmt.Errorf("%s: %w", file, err)
	}
	lines := bufio.NewScanner(zr)
	lines.Buffer(nil, 4<<20)
	for n := 1; lines.Scan(); n++ {
		var s sample
		if err := json.Unmarshal(lines.Bytes(), &s); err != nil {
			return fmt.Errorf("%s:%d: %w", file, n, err)
		}
		each(s)
	}
	return lines.Err()
}

type measurement struct {
	detector *detect.Detector
	groups   map[group]*tally
	misses   int
}

func (m *measurement) add(s sample) {
	k := group{s.Label, s.Class, s.Source}
	t := m.groups[k]
	if t == nil {
		t = &tally{byEvent: map[string]int{}}
		m.groups[k] = t
	}
	t.n++
	start := time.Now()
	found := m.detector.Request(s.Target, s.UserAgent, "")
	t.elapsed += time.Since(start)
	names := found.Names()
	right := rightNames[s.Class]
	if right == nil {
		right = []string{s.Class}
	}
	named := slices.ContainsFunc(names, func(n string) bool { return slices.Contains(right, n) })
	if len(found) > 0 {
		t.seen++
		t.byEvent[strings.Join(names, "+")]++
	}
	if named {
		t.named++
	}
	if elizaHit(s) {
		t.eliza++
	}
	if libinjectionHit(s) {
		t.libinjection++
	}
	if wrong := s.Label == "benign" && len(found) > 0 || s.Label == "attack" && !named; wrong {
		rules := make([]string, len(found))
		for i, f := range found {
			rules[i] = f.Rule
		}
		t.wrong = append(t.wrong, fmt.Sprintf("%v %s", rules, s.Target+s.UserAgent))
	}
}

func (m *measurement) print() {
	keys := make([]group, 0, len(m.groups))
	for k := range m.groups {
		keys = append(keys, k)
	}
	slices.SortFunc(keys, func(a, b group) int {
		return cmp.Or(cmp.Compare(a.label, b.label), cmp.Compare(a.class, b.class), cmp.Compare(a.source, b.source))
	})
	w := tabwriter.NewWriter(os.Stdout, 0, 0, 2, ' ', tabwriter.AlignRight)
	fmt.Fprintln(w, "label\tclass\tsource\tn\tseen\tseen %\tnamed %\tElizaOS %\tlibinjection %\tns each\t")
	sums := map[string]*tally{}
	line := func(k group, t *tally) {
		fmt.Fprintf(w, "%s\t%s\t%s\t%d\t%d\t%s\t%s\t%s\t%s\t%d\t\n", k.label, k.class, k.source, t.n, t.seen,
			percent(t.seen, t.n), percent(t.named, t.n), percent(t.eliza, t.n), percent(t.libinjection, t.n), t.elapsed.Nanoseconds()/int64(t.n))
	}
	for _, k := range keys {
		t := m.groups[k]
		for _, name := range []string{k.label + "\x00" + k.class, k.label} {
			if sums[name] == nil {
				sums[name] = &tally{}
			}
			sum := sums[name]
			sum.n += t.n
			sum.seen += t.seen
			sum.named += t.named
			sum.eliza += t.eliza
			sum.libinjection += t.libinjection
			sum.elapsed += t.elapsed
		}
		line(k, t)
	}
	fmt.Fprintln(w, "\t\t\t\t\t\t\t\t\t\t")
	names := make([]string, 0, len(sums))
	for name := range sums {
		names = append(names, name)
	}
	slices.Sort(names)
	for _, name := range names {
		label, class, _ := strings.Cut(name, "\x00")
		line(group{label, class, "all"}, sums[name])
	}
	if err := w.Flush(); err != nil {
		log.Fatal(err)
	}
	for _, k := range keys {
		t := m.groups[k]
		if m.misses == 0 || len(t.wrong) == 0 {
			continue
		}
		fmt.Printf("\n%s %s %s: %d judged wrongly; events %v\n", k.label, k.class, k.source, len(t.wrong), t.byEvent)
		for i := 0; i < len(t.wrong) && i < m.misses; i++ {
			fmt.Println("  ", t.wrong[i*max(1, len(t.wrong)/m.misses)%len(t.wrong)])
		}
	}
}

func percent(n, of int) string { return fmt.Sprintf("%.2f", 100*float64(n)/float64(of)) }
