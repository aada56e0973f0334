//go:build linux

package main

import (
	"crypto/ecdsa"
	"crypto/elliptic"
	"crypto/rand"
	"crypto/x509"
	"crypto/x509/pkix"
	"embed"
	"encoding/pem"
	"errors"
	"fmt"
	"log"
	"math/big"
	"net"
	"net/http"
	"os"
	"os/exec"
	"path/filepath"
	"syscall"
	"text/template"
	"time"

	"github.com/gatehouse-dev/caddy-gatehouse/gatetest/port"
)

// A contender is one gateway, running.
type contender struct {
	name, title string
	program     string
	process     *process
	settings
}

// settings are what a contender's configuration is filled in with.
type settings struct {
	HTTP, HTTPS, Backend    int
	Dir                     string
	Certificate, PrivateKey string
	EnvFile                 string
	Key, BackendKey         string
	Limit                   int
	fields                       // of the gate's answers
	Sends                   bool // whether a bare Caddy sends them too
}

// limit is a number that no round reaches. It is not larger because caddy-ratelimit holds 24 bytes for each request of it.
const limit = 4_000_000

//go:embed conf
var configurations embed.FS

// A house is the folder and the programs of one run.
type house struct {
	dir       string
	gatehouse string // the binary
	settings  settings
	processes []*process
}

func newHouse() (*house, error) {
	dir, err := os.MkdirTemp("", "gateways")
	if err != nil {
		return nil, err
	}
	h := &house{dir: dir, gatehouse: filepath.Join(dir, "program")}
	log.Print("building the gate")
	build := exec.Command("go", "build", "-trimpath", "-o", h.gatehouse, "./cmd/gatehouse")
	build.Stdout, build.Stderr = os.Stderr, os.Stderr
	if err := build.Run(); err != nil {
		return h, errors.Join(fmt.Errorf("go build: %w (run this in the project's folder)", err), h.close())
	}
	if err := h.prepare(); err != nil {
		return h, errors.Join(err, h.close())
	}
	return h, nil
}

// prepare makes the keys and the certificate, and starts the backend.
func (h *house) prepare() error {
	s := settings{
		Certificate: filepath.Join(h.dir, "certificate.pem"),
		PrivateKey:  filepath.Join(h.dir, "key.pem"),
		EnvFile:     filepath.Join(h.dir, "env"),
		Key:         rand.Text(),
		BackendKey:  rand.Text(),
	}
	env := fmt.Sprintf("ELIZA_API_KEY=%s\nELIZA_SERVER_AUTH_TOKEN=%s\nCORS_ORIGIN=https://app.example.com\nSERVER_HOST=127.0.0.1\n"+
		"SECRET_SALT=%s\nUPLOAD_RATE_LIMIT_MAX=%d\n", s.Key, s.BackendKey, rand.Text(), limit)
	if err := os.WriteFile(s.EnvFile, []byte(env), 0o600); err != nil {
		return err
	}
	if err := writeCertificate(s.Certificate, s.PrivateKey); err != nil {
		return err
	}
	var err error
	if s.Backend, err = port.Free(); err != nil {
		return err
	}
	h.settings = s
	self, err := os.Executable()
	if err != nil {
		return err
	}
	cmd := exec.Command(self, backendWord)
	cmd.Env = append(os.Environ(), fmt.Sprintf("PORT=%d", s.Backend))
	_, err = h.start(cmd, s.Backend)
	return err
}

// startContenders starts all of them; earlier is a binary of the gate, if one is to be measured beside this one.
func (h *house) startContenders(earlier string) ([]*contender, error) {
	gate, err := h.startContender("gatehouse", h.gatehouse, limit)
	if err != nil {
		return nil, fmt.Errorf("gatehouse: %w", err)
	}
	if h.settings.fields, err = fieldsOf(gate); err != nil {
		return nil, err
	}
	var all []*contender
	for _, c := range []struct{ name, title, program string }{
		{"caddy", "bare Caddy: `reverse_proxy` and nothing else", h.gatehouse},
		{"gatehouse", "the gate: `gatehouse elizaos`, everything on", h.gatehouse},
		{"fields", "bare Caddy with the header fields that the gate sends, and nothing else", h.gatehouse},
		{"assembled", "Caddy's own directives and caddy-ratelimit, with the same header fields but for those of limits, of which it has none", h.gatehouse},
		{"nginx", "nginx with `limit_req`, a key map and the same header fields, likewise", "nginx"},
		{"earlier", "the gate as it was before its costs were looked into, under the same configuration", earlier},
	} {
		if c.program == "" {
			continue
		}
		program, err := exec.LookPath(c.program)
		if err != nil {
			log.Printf("%s is not installed and so not measured", c.name)
			continue
		}
		started := gate
		if c.name != gate.name {
			if started, err = h.startContender(c.name, program, limit); err != nil {
				return nil, fmt.Errorf("%s: %w", c.name, err)
			}
		}
		started.title = c.title
		all = append(all, started)
	}
	return all, nil
}

// Name and Title are for the page.
func (c *contender) Name() string  { return c.name }
func (c *contender) Title() string { return c.title }

func (h *house) startContender(name, program string, limit int) (*contender, error) {
	c := &contender{name: name, program: program, settings: h.settings}
	c.Limit, c.Sends = limit, name == "fields"
	var err error
	if c.Dir, err = os.MkdirTemp(h.dir, name); err != nil {
		return nil, err
	}
	if c.HTTP, err = port.Free(); err != nil {
		return nil, err
	}
	if c.HTTPS, err = port.Free(); err != nil {
		return nil, err
	}
	source := map[string]string{"caddy": "bare.caddyfile", "fields": "bare.caddyfile", "gatehouse": "gate.caddyfile", "earlier": "gate.caddyfile", "assembled": "assembled.caddyfile", "nginx": "nginx.conf"}[name]
	config := filepath.Join(c.Dir, source)
	if err := writeConfiguration(config, source, c.settings); err != nil {
		return nil, err
	}
	arguments := []string{"run", "--adapter", "caddyfile", "--config", config}
	if name == "nginx" {
		arguments = []string{"-c", config, "-p", c.Dir}
	}
	cmd := exec.Command(program, arguments...)
	cmd.Env = append(os.Environ(), "HOME="+c.Dir, "XDG_CONFIG_HOME="+c.Dir, "XDG_DATA_HOME="+c.Dir)
	if c.process, err = h.start(cmd, c.HTTP); err != nil {
		return nil, err
	}
	return c, nil
}

func writeConfiguration(path, source string, s settings) error {
	text, err := template.ParseFS(configurations, "conf/"+source)
	if err != nil {
		return err
	}
	f, err := os.Create(path)
	if err != nil {
		return err
	}
	return errors.Join(text.Execute(f, s), f.Close())
}

// start starts a program and returns when it listens.
func (h *house) start(cmd *exec.Cmd, port int) (*process, error) {
	cmd.Stdout, cmd.Stderr = os.Stderr, os.Stderr
	// Children of nginx go with it.
	cmd.SysProcAttr = &syscall.SysProcAttr{Setpgid: true}
	if err := cmd.Start(); err != nil {
		return nil, err
	}
	p := &process{cmd: cmd, ended: make(chan struct{})}
	go func() { _ = cmd.Wait(); close(p.ended) }()
	h.processes = append(h.processes, p)
	address := fmt.Sprintf("127.0.0.1:%d", port)
	for range 300 {
		conn, err := net.DialTimeout("tcp", address, time.Second)
		if err == nil {
			return p, conn.Close()
		}
		select {
		case <-p.ended:
			return nil, errors.New("it ended before it listened")
		case <-time.After(100 * time.Millisecond):
		}
	}
	return nil, errors.New("it does not listen")
}

// close ends the programs and removes the folder.
func (h *house) close() error {
	for _, p := range h.processes {
		p.stop()
	}
	return os.RemoveAll(h.dir)
}

func writeCertificate(certificate, privateKey string) error {
	key, err := ecdsa.GenerateKey(elliptic.P256(), rand.Reader)
	if err != nil {
		return err
	}
	template := &x509.Certificate{
		SerialNumber: big.NewInt(1),
		Subject:      pkix.Name{CommonName: "gateways"},
		NotBefore:    time.Now().Add(-time.Hour),
		NotAfter:     time.Now().Add(24 * time.Hour),
		IPAddresses:  []net.IP{net.IPv4(127, 0, 0, 1)},
	}
	der, err := x509.CreateCertificate(rand.Reader, template, template, key.Public(), key)
	if err != nil {
		return err
	}
	secret, err := x509.MarshalPKCS8PrivateKey(key)
	if err != nil {
		return err
	}
	return errors.Join(
		os.WriteFile(certificate, pem.EncodeToMemory(&pem.Block{Type: "CERTIFICATE", Bytes: der}), 0o644),
		os.WriteFile(privateKey, pem.EncodeToMemory(&pem.Block{Type: "PRIVATE KEY", Bytes: secret}), 0o600))
}

// refusesNobody reports that the contender has no checks: what others refuse it answers by `respond`, at a path of its own.
func (c *contender) refusesNobody() bool { return c.name == "caddy" || c.name == "fields" }

// header is what an honest client sends.
func (c *contender) header() http.Header {
	return http.Header{
		"X-Api-Key":  {c.Key},
		"Origin":     {"https://app.example.com"},
		"User-Agent": {"Mozilla/5.0 (X11; Linux x86_64; rv:128.0) Gecko/20100101 Firefox/128.0"},
		"Accept":     {"application/json"},
	}
}
