//go:build linux

// Command gateways measures the gate beside its peers: bare Caddy, bare Caddy with the same header fields, the same features assembled from
// Caddy's own directives and caddy-ratelimit, and nginx. Everything runs on loopback, before one backend, under one load generator, in interleaved rounds.
//
//	go run ./bench/gateways [-full] [-rounds n] [-seconds n] [-connections n] [-only words] [-clients n] [-assembled-clients n]
//		[-out folder] [-earlier binary] [-benchmarks file] [-before file]
//
// With -full it measures all that the page has room for, in some ten minutes: the memory of a million clients, open streams, and the
// chain of handlers and how it grows, by go test -bench. With -earlier it also measures an earlier binary of the gate, under the same
// configuration. The files are what go test -bench has written, now and before a change: their figures go into the page.
//
// It writes benchmarks.md and benchmarks.svg into the folder named by -out, and says on the way what it is doing. Ratios within a run
// are the result: absolute figures are those of the machine. Without nginx its column is missing, and the page says so.
package main

import (
	"cmp"
	"errors"
	"flag"
	"fmt"
	"log"
	"os"
	"path/filepath"
	"regexp"
	"slices"
	"time"
)

type options struct {
	rounds      int
	duration    time.Duration
	connections int
	only        *regexp.Regexp
	full        bool
	clients     int
	assembled   int // of them
	out         string
	earlier     string // a binary of the gate
	benchmarks  string // files with the output of go test -bench
	before      string
}

func main() {
	log.SetFlags(0)
	if len(os.Args) == 2 && os.Args[1] == backendWord {
		log.Fatal(serveBackend())
	}
	var o options
	seconds := flag.Float64("seconds", 3, "how long each measurement lasts")
	only := flag.String("only", "", "measure only the scenarios whose name matches this regular expression")
	flag.IntVar(&o.rounds, "rounds", 5, "how often each measurement is made, in turn with the others")
	flag.IntVar(&o.connections, "connections", 32, "connections of the load generator")
	flag.BoolVar(&o.full, "full", false, "measure all: a million clients, open streams, and go test -bench")
	flag.IntVar(&o.clients, "clients", 0, "also send a request from each of so many addresses and measure the memory (a million takes minutes; -full: 1000000)")
	flag.IntVar(&o.assembled, "assembled-clients", 20_000, "of these, at most so many to caddy-ratelimit, which holds 24 KB for each")
	flag.StringVar(&o.earlier, "earlier", "", "an earlier binary of the gate, to be measured beside this one")
	flag.StringVar(&o.benchmarks, "benchmarks", "", "a file with the output of `go test -bench`, for the page")
	flag.StringVar(&o.before, "before", "", "the same of an earlier version")
	flag.StringVar(&o.out, "out", "docs", "the folder that benchmarks.md and benchmarks.svg are written into")
	flag.Parse()
	if o.full && o.clients == 0 {
		o.clients = 1_000_000
	}
	o.duration = time.Duration(*seconds * float64(time.Second))
	pattern, err := regexp.Compile(*only)
	if err != nil || flag.NArg() > 0 || o.rounds < 1 || o.connections < 1 || o.duration <= 0 {
		flag.Usage()
		log.Fatal(cmp.Or(err, errors.New("gateways: an argument makes no sense")))
	}
	if !slices.ContainsFunc(scenarios, func(s scenario) bool { return pattern.MatchString(s.name) }) {
		log.Fatalf("gateways: -only %s matches no scenario", *only)
	}
	o.only = pattern
	if err := measure(o); err != nil {
		log.Fatal("gateways: ", err)
	}
}

func measure(o options) error {
	house, err := newHouse()
	if err != nil {
		return err
	}
	defer house.close()
	contenders, err := house.startContenders(o.earlier)
	if err != nil {
		return err
	}
	report := &report{options: o, contenders: contenders}
	if o.full && o.benchmarks == "" {
		if o.benchmarks, err = house.runBenchmarks(); err != nil {
			return err
		}
	}
	if report.now, err = readBenchmarks(o.benchmarks); err != nil {
		return err
	}
	if report.then, err = readBenchmarks(o.before); err != nil {
		return err
	}
	report.idle(contenders)
	for _, s := range scenarios {
		if !o.only.MatchString(s.name) {
			continue
		}
		table, err := runRounds(s, contenders, o)
		if err != nil {
			return fmt.Errorf("%s: %w", s.name, err)
		}
		report.tables = append(report.tables, table)
	}
	report.loaded(contenders)
	if o.full {
		if report.opened, err = withStreams(contenders, o); err != nil {
			return err
		}
	}
	if o.clients > 0 {
		if report.crowds, err = house.gather(contenders, o); err != nil {
			return err
		}
	}
	if err := os.WriteFile(filepath.Join(o.out, "benchmarks.svg"), report.chart(), 0o644); err != nil {
		return err
	}
	return os.WriteFile(filepath.Join(o.out, "benchmarks.md"), report.markdown(), 0o644)
}

// runRounds measures one scenario: in every round all contenders, one after the other, beginning with another one each time.
func runRounds(s scenario, contenders []*contender, o options) (*table, error) {
	t := &table{scenario: s, samples: make([][]sample, len(contenders))}
	for i, c := range contenders { // to warm up, and to see that it answers as it should
		if _, err := s.run(c, o, o.duration/10); err != nil {
			return nil, fmt.Errorf("%s: %w", contenders[i].name, err)
		}
	}
	for round := range o.rounds {
		for i := range contenders {
			i = (i + round) % len(contenders)
			c := contenders[i]
			before := c.cpu()
			got, err := s.run(c, o, o.duration)
			if err != nil {
				return nil, fmt.Errorf("%s: %w", c.name, err)
			}
			got.cpu = c.cpu() - before
			t.samples[i] = append(t.samples[i], got)
			log.Printf("%-28s round %d  %-10s %10.0f/s  %6.1f us CPU each  p50 %7.0f us  p99 %7.0f us", s.name, round+1, c.name,
				got.rate(), got.cpuEach(), micros(got.p50), micros(got.p99))
		}
	}
	return t, nil
}
