//go:build linux

package main

import (
	"bytes"
	"fmt"
	"os"
	"os/exec"
	"path/filepath"
	"strconv"
	"strings"
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
func (c *contender) resident() (total int64) {
	for _, pid := range c.process.pids() {
		status, _ := os.ReadFile(fmt.Sprintf("/proc/%d/status", pid))
		for line := range strings.Lines(string(status)) {
			if rest, ok := strings.CutPrefix(line, "VmRSS:"); ok {
				kib, _ := strconv.ParseInt(strings.TrimSuffix(strings.TrimSpace(rest), " kB"), 10, 64)
				total += kib << 10
			}
		}
	}
	return total
}
