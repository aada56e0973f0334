//go:build linux

package main

import (
	"fmt"
	"log"
	"strings"
	"sync/atomic"
)

// A crowd is many clients of one contender, told apart by their addresses, each of which has sent one request.
type crowd struct {
	name          string
	clients       int
	before, after footprint
}

// footprint is what a contender holds, in bytes: heap is what is in use of it after a collection, 0 where there is no such thing.
type footprint struct{ heap, resident int64 }

// each is what a client takes: of the heap, or of resident memory where there is none.
func (c crowd) each() float64 {
	grown := c.after.heap - c.before.heap
	if c.after.heap == 0 {
		grown = c.after.resident - c.before.resident
	}
	return float64(grown) / float64(c.clients)
}

// realLimit is the limit of ElizaOS, 1000 in 15 minutes: what caddy-ratelimit holds of a client depends on it.
const realLimit = 1000

// gather sends a request from each of many addresses through a contender that was started for it, so that nothing is in its memory but
// what these leave. Bare Caddy is not asked: it tells no clients apart.
func (h *house) gather(contenders []*contender, o options) (crowds []crowd, err error) {
	for _, running := range contenders {
		clients := o.clients
		switch running.name {
		case "gatehouse", "nginx":
		case "assembled":
			clients = min(clients, o.assembled)
		default:
			continue
		}
		c, err := h.startContender(running.name, running.program, realLimit)
		if err != nil {
			return nil, err
		}
		p := get(c)
		if _, err := send(c, p, o.connections, o.duration/5); err != nil { // what is made once is made now
			return nil, fmt.Errorf("%s: %w", c.name, err)
		}
		found := crowd{name: c.name, clients: clients}
		if found.before, err = c.footprint(); err != nil {
			return nil, err
		}
		sent, err := sendFrom(c, p, clients, o.connections)
		if err != nil {
			return nil, fmt.Errorf("%s, from many addresses: %w", c.name, err)
		}
		if found.after, err = c.footprint(); err != nil {
			return nil, err
		}
		if c.name == "gatehouse" {
			held, err := c.metric("caddy_gatehouse_rate_limit_clients")
			if err != nil {
				return nil, err
			}
			if held < float64(clients) {
				return nil, fmt.Errorf("%.0f clients are held of %d", held, clients)
			}
		}
		log.Printf("%-28s %-10s %8d clients  %10.0f/s  %6.1f bytes each", "many addresses", c.name, clients, sent.rate(), found.each())
		c.process.stop()
		crowds = append(crowds, found)
	}
	return crowds, nil
}

// sendFrom sends a request from each of so many addresses.
func sendFrom(c *contender, p plan, clients, connections int) (sample, error) {
	p.addresses = true
	var left atomic.Int64
	left.Store(int64(clients))
	return sendWhile(c, p, connections, func() bool { return left.Add(-1) >= 0 })
}

// Crowds is the table of memory by clients, in Markdown; "" if it was not measured.
func (r *report) Crowds() string {
	if r.crowds == nil {
		return ""
	}
	var b strings.Builder
	b.WriteString("| | distinct addresses | heap before | and with them | resident before | and with them | bytes for each |\n|---|---|---|---|---|---|---|\n")
	for _, c := range r.crowds {
		heap := func(f footprint) string {
			if f.heap == 0 {
				return "none"
			}
			return mebibytes(f.heap)
		}
		fmt.Fprintf(&b, "| %s | %d | %s | %s | %s | %s | %.0f |\n", c.name, c.clients, heap(c.before), heap(c.after),
			mebibytes(c.before.resident), mebibytes(c.after.resident), c.each())
	}
	return b.String()
}
