//go:build linux

package main

import (
	"bytes"
	"context"
	"fmt"
	"io"
	"net"
	"net/http"
	"os"
	"os/exec"
	"path/filepath"
	"strconv"
	"strings"
	"syscall"
	"time"
)

// A process is a program that was started, with its children.
type process struct {
	cmd   *exec.Cmd
	ended chan struct{}
}

// pids are the process and its children: nginx works in those.
func (p *process) pids() []int {
	pid := p.cmd.Process.Pid
	all := []int{pid}
	lists, _ := filepath.Glob(fmt.Sprintf("/proc/%d/task/*/children", pid))
	for _, list := range lists {
		text, _ := os.ReadFile(list)
		for _, word := range strings.Fields(string(text)) {
			if child, err := strconv.Atoi(word); err == nil {
				all = append(all, child)
			}
		}
	}
	return all
}

// stop ends the process.
func (p *process) stop() {
	_ = syscall.Kill(-p.cmd.Process.Pid, syscall.SIGTERM)
	select {
	case <-p.ended:
	case <-time.After(10 * time.Second):
		_ = syscall.Kill(-p.cmd.Process.Pid, syscall.SIGKILL)
		<-p.ended
	}
}

// tick is the unit of /proc/<pid>/stat on Linux (USER_HZ).
const tick = 10 * time.Millisecond

// cpu is the processor time that the contender has used.
func (c *contender) cpu() time.Duration {
	var ticks int64
	for _, pid := range c.process.pids() {
		stat, err := os.ReadFile(fmt.Sprintf("/proc/%d/stat", pid))
		if err != nil {
			continue
		}
		// The name, in parentheses, may hold spaces; utime and stime are the 12th and 13th fields after it.
		fields := strings.Fields(string(stat[bytes.LastIndexByte(stat, ')')+1:]))
		for _, field := range fields[11:13] {
			n, _ := strconv.ParseInt(field, 10, 64)
			ticks += n
		}
	}
	return time.Duration(ticks) * tick
}

// resident is the contender's resident memory in bytes, its program file included.
func (c *contender) resident() int64 { return c.status("VmRSS:") }

// mapped is what of the resident memory are pages of the program's file, and of the libraries that it loads.
func (c *contender) mapped() int64 { return c.status("RssFile:") }

// status adds up a field of the kernel's that is an amount of memory, in bytes.
func (c *contender) status(field string) (total int64) {
	for _, pid := range c.process.pids() {
		status, _ := os.ReadFile(fmt.Sprintf("/proc/%d/status", pid))
		for line := range strings.Lines(string(status)) {
			if rest, ok := strings.CutPrefix(line, field); ok {
				kib, _ := strconv.ParseInt(strings.TrimSuffix(strings.TrimSpace(rest), " kB"), 10, 64)
				total += kib << 10
			}
		}
	}
	return total
}

// footprint collects the contender's garbage, if it has a collector, and looks at what is left.
func (c *contender) footprint() (footprint, error) {
	if c.name == "nginx" {
		return footprint{resident: c.resident()}, nil
	}
	text, err := c.admin("/debug/pprof/heap?gc=1&debug=1")
	if err != nil {
		return footprint{}, err
	}
	_, after, found := strings.Cut(text, "# HeapAlloc = ")
	number, _, _ := strings.Cut(after, "\n")
	heap, err := strconv.ParseInt(number, 10, 64)
	if !found || err != nil {
		return footprint{}, fmt.Errorf("%s: the profile of the heap has no HeapAlloc: %w", c.name, err)
	}
	return footprint{heap, c.resident()}, nil
}

// metric is the value of one of the contender's metrics.
func (c *contender) metric(name string) (float64, error) {
	text, err := c.admin("/metrics")
	if err != nil {
		return 0, err
	}
	for line := range strings.Lines(text) {
		if value, ok := strings.CutPrefix(line, name+" "); ok {
			return strconv.ParseFloat(strings.TrimSpace(value), 64)
		}
	}
	return 0, fmt.Errorf("%s has no metric %s", c.name, name)
}

// admin asks the contender's admin endpoint.
func (c *contender) admin(path string) (string, error) {
	client := http.Client{Transport: &http.Transport{DisableKeepAlives: true, DialContext: func(ctx context.Context, _, _ string) (net.Conn, error) {
		return new(net.Dialer).DialContext(ctx, "unix", filepath.Join(c.Dir, "admin.sock"))
	}}}
	res, err := client.Get("http://127.0.0.1" + path)
	if err != nil {
		return "", err
	}
	defer res.Body.Close()
	text, err := io.ReadAll(res.Body)
	if err == nil && res.StatusCode != http.StatusOK {
		err = fmt.Errorf("the admin endpoint answered %s with %s", path, res.Status)
	}
	return string(text), err
}
