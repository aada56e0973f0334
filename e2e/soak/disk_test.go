package soak_test

import (
	"bytes"
	"fmt"
	"net"
	"net/http"
	"os"
	"path/filepath"
	"regexp"
	"strconv"
	"strings"
	"syscall"
	"testing"

	"github.com/gatehouse-dev/caddy-gatehouse/e2e/house"
)

// brim is the size that no file may exceed on a disk that is full.
const brim = 16 * block

// block is the unit of the shell's limit on the size of files.
const block = 512

// fullDisk writes a program that is the gate on a disk that is full: a limit on
// the size of files does to it what a full disk does.
func fullDisk(t *testing.T, folder string, size int) string {
	t.Helper()
	program := filepath.Join(folder, fmt.Sprintf("gatehouse-on-a-disk-of-%d", size))
	script := fmt.Sprintf("#!/bin/sh\nulimit -f %d\nexec %s \"$@\"\n", size/block, house.GateBinary(t))
	if err := os.WriteFile(program, []byte(script), 0o755); err != nil {
		t.Fatal(err)
	}
	return program
}

// A disk that is full stops no request.
func TestFullDisk(t *testing.T) {
	b := startBackend(t)
	c := config(b)
	c.Home = t.TempDir()
	c.Binary = fullDisk(t, c.Home, brim)
	log := filepath.Join(c.Home, "security.log")
	c.Global = "\tlog security {\n\t\tinclude gatehouse.security\n\t\toutput file " + log + "\n\t\tformat agent_security\n\t}"
	g := startGate(t, c)
	client := g.client(t)
	size := func() int64 {
		info, err := os.Stat(log)
		if err != nil {
			return 0
		}
		return info.Size()
	}
	// Refusals fill the log to the brim. They come from many addresses, since the
	// log sums up what one of them does.
	for n := 0; size() < brim-600; n++ {
		source := &net.Dialer{LocalAddr: &net.TCPAddr{IP: net.IPv4(127, 1, byte(n>>8), byte(n))}}
		client := &http.Client{Transport: &http.Transport{DialContext: source.DialContext, DisableKeepAlives: true}}
		if status, _, _, err := g.get(t.Context(), client, "/api/agents?n="+strconv.Itoa(n), "a-wrong-key-of-"+strconv.Itoa(n)); err != nil || status/100 != 4 {
			t.Fatalf("%d %v", status, err)
		}
		if n > 5000 {
			t.Fatalf("the log has %d bytes after %d refusals", size(), n)
		}
	}
	l := startLoad(t, g, 4, key)
	for n := range 50 {
		if status, _, _, err := g.get(t.Context(), client, "/api/agents", "another-wrong-key-"+strconv.Itoa(n)); err != nil || status/100 != 4 {
			t.Errorf("with a full disk: %d %v", status, err)
		}
	}
	l.stop(t)
	if size() > brim {
		t.Errorf("the disk was not full: the log has %d bytes", size())
	}
}

// A key file that cannot be written stays as it was, and whoever wanted to write
// it is told: the command, and the gate, which at its end notes when keys were used.
func TestFullDiskUnderTheKeyFile(t *testing.T) {
	b := startBackend(t)
	c := config(b)
	c.Home = t.TempDir()
	file := filepath.Join(c.Home, "keys.json")
	limited := house.GateConfig{Binary: fullDisk(t, c.Home, brim)}
	var secret, out string
	status, keys := 0, 0
	var networks []string // which make a key long
	for i := range 40 {
		networks = append(networks, fmt.Sprintf("127.0.%d.0/24", i))
	}
	for ; status == 0; keys++ {
		if keys == 200 {
			t.Fatalf("a file of 200 keys does not fill the disk:\n%s", out)
		}
		if found := regexp.MustCompile(`agk_[0-9A-Za-z]{36}`).FindString(out); found != "" {
			secret = found
		}
		out, status = house.RunGate(t, limited, "", "key", "add", "key-"+strconv.Itoa(keys), "--scope", "read", "--from", strings.Join(networks, ","), "--file", file)
	}
	if !strings.Contains(out, "file too large") || regexp.MustCompile(`agk_`).MatchString(out) {
		t.Errorf("of a key that could not be written it was said:\n%s", out)
	}
	before, err := os.ReadFile(file)
	if err != nil {
		t.Fatal(err)
	}
	c.Binary = fullDisk(t, c.Home, len(before))
	c.Global = "\tgatehouse {\n\t\tkeys " + file + "\n\t}"
	g := startGate(t, c)
	if err := expect(t, g, secret, http.StatusOK); err != nil {
		t.Error(err)
	}
	g.Signal(t, syscall.SIGTERM)
	g.Wait(t)
	after, err := os.ReadFile(file)
	if err != nil {
		t.Fatal(err)
	}
	if !bytes.Equal(before, after) {
		t.Errorf("the key file of %d bytes has %d now", len(before), len(after))
	}
	if left, _ := filepath.Glob(filepath.Join(c.Home, "*keys.json?*")); len(left) > 1 { // the lock stays
		t.Errorf("files are left behind: %q", left)
	}
	t.Logf("%d keys, %d bytes; then: %s", keys-1, len(before), out)
}
