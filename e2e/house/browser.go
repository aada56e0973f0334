package house

import (
	"bufio"
	"encoding/json"
	"errors"
	"fmt"
	"os"
	"os/exec"
	"strings"
	"sync"
	"testing"
	"time"
)

// Browser is a headless Chromium, driven over its DevTools protocol. Every host
// name leads to 127.0.0.1, so that pages of any origin can be played, and
// nothing outside this machine is ever asked.
type Browser struct {
	*Process
	pipe *os.File

	mu      sync.Mutex
	last    int
	waiting map[int]chan reply
	pages   map[string]*Page // by session
	ended   error
}

// Page is a tab in a profile of its own: it shares no cookie and no cache with
// other pages.
type Page struct {
	browser *Browser
	session string

	mu      sync.Mutex
	console []string
	loads   map[string]chan struct{} // by navigation, closed when it has loaded
}

type reply struct {
	ID        int
	SessionID string
	Method    string
	Params    json.RawMessage
	Result    json.RawMessage
	Error     *struct{ Message string }
}

// StartBrowser starts a Chromium. Further flags, such as
// --ignore-certificate-errors, may be given.
func StartBrowser(t testing.TB, flags ...string) *Browser {
	t.Helper()
	path := program(t, "chromium", "chromium")
	ours, theirs, err := pipes()
	if err != nil {
		t.Fatal(err)
	}
	cmd := exec.Command(path, append([]string{
		"--headless", "--no-sandbox", "--disable-gpu", "--disable-quic", "--no-first-run",
		"--disable-background-networking", "--disable-component-update", "--disable-sync",
		"--disable-dev-shm-usage", "--remote-debugging-pipe",
		"--host-resolver-rules=MAP * 127.0.0.1, EXCLUDE 127.*",
		"--user-data-dir=" + tempDir(t),
	}, flags...)...)
	cmd.ExtraFiles = theirs[:] // its descriptors 3 and 4
	b := &Browser{
		Process: run(t, "chromium", cmd),
		pipe:    ours[1],
		waiting: make(map[int]chan reply),
		pages:   make(map[string]*Page),
	}
	for _, f := range theirs {
		f.Close()
	}
	t.Cleanup(func() { ours[1].Close() })
	go b.read(ours[0])
	return b
}

// pipes returns our ends (read, write) and the browser's (read, write).
func pipes() (ours, theirs [2]*os.File, err error) {
	theirs[0], ours[1], err = os.Pipe()
	if err != nil {
		return ours, theirs, err
	}
	ours[0], theirs[1], err = os.Pipe()
	return ours, theirs, err
}

// Open opens a URL in a new page and waits until it has loaded.
func (b *Browser) Open(t testing.TB, url string) *Page {
	t.Helper()
	var profile struct{ BrowserContextID string }
	b.call(t, "", "Target.createBrowserContext", nil, &profile)
	var target struct{ TargetID string }
	b.call(t, "", "Target.createTarget", map[string]any{
		"url": "about:blank", "browserContextId": profile.BrowserContextID,
	}, &target)
	var attached struct{ SessionID string }
	b.call(t, "", "Target.attachToTarget", map[string]any{"targetId": target.TargetID, "flatten": true}, &attached)
	p := &Page{browser: b, session: attached.SessionID, loads: make(map[string]chan struct{})}
	b.mu.Lock()
	b.pages[p.session] = p
	b.mu.Unlock()
	for _, domain := range []string{"Page", "Runtime", "Log"} {
		b.call(t, p.session, domain+".enable", nil, nil)
	}
	b.call(t, p.session, "Page.setLifecycleEventsEnabled", map[string]any{"enabled": true}, nil)
	p.Navigate(t, url)
	return p
}

// Navigate goes to a URL and waits until it has loaded.
func (p *Page) Navigate(t testing.TB, url string) {
	t.Helper()
	if refused := p.Try(t, url); refused != "" {
		t.Fatalf("the browser cannot open %s: %s", url, refused)
	}
}

// Try is Navigate for a URL that the browser may have no page for, because it
// downloads it: it returns the browser's reason, or "" once the page has loaded.
func (p *Page) Try(t testing.TB, url string) string {
	t.Helper()
	var result struct{ ErrorText, LoaderID string }
	p.browser.call(t, p.session, "Page.navigate", map[string]any{"url": url}, &result)
	if result.ErrorText != "" {
		return result.ErrorText
	}
	select {
	case <-p.load(result.LoaderID):
	case <-time.After(patience):
		t.Fatalf("%s did not load within %s; console:\n%s", url, patience, strings.Join(p.Console(), "\n"))
	}
	return ""
}

func (p *Page) load(loader string) chan struct{} {
	p.mu.Lock()
	defer p.mu.Unlock()
	if p.loads[loader] == nil {
		p.loads[loader] = make(chan struct{})
	}
	return p.loads[loader]
}

// Eval runs JavaScript in the page, as the body of an async function, and
// decodes what it returns into result (nil: nothing is wanted). What it throws
// fails the test.
func (p *Page) Eval(t testing.TB, body string, result any) {
	t.Helper()
	var answer struct {
		Result           struct{ Value json.RawMessage }
		ExceptionDetails *struct {
			Text      string
			Exception struct{ Description string }
		}
	}
	p.browser.call(t, p.session, "Runtime.evaluate", map[string]any{
		"expression":    "(async () => {" + body + "\n})()",
		"awaitPromise":  true,
		"returnByValue": true,
	}, &answer)
	if thrown := answer.ExceptionDetails; thrown != nil {
		t.Fatalf("the page threw %s %s\n%s", thrown.Text, thrown.Exception.Description, strings.Join(p.Console(), "\n"))
	}
	if result == nil {
		return
	}
	if err := json.Unmarshal(answer.Result.Value, result); err != nil {
		t.Fatalf("the page returned %s: %v", answer.Result.Value, err)
	}
}

// Console returns what the page, and the browser about it (a request blocked,
// a policy violated), wrote on the console.
func (p *Page) Console() []string {
	p.mu.Lock()
	defer p.mu.Unlock()
	return append([]string(nil), p.console...)
}

// call sends a command and decodes its result.
func (b *Browser) call(t testing.TB, session, method string, params map[string]any, result any) {
	t.Helper()
	if err := b.do(session, method, params, result); err != nil {
		t.Fatalf("%s: %v\n%s", method, err, b.Output())
	}
}

func (b *Browser) do(session, method string, params map[string]any, result any) error {
	b.mu.Lock()
	if b.ended != nil {
		b.mu.Unlock()
		return b.ended
	}
	b.last++
	message := map[string]any{"id": b.last, "method": method}
	if session != "" {
		message["sessionId"] = session
	}
	if params != nil {
		message["params"] = params
	}
	raw, err := json.Marshal(message)
	if err != nil {
		b.mu.Unlock()
		return err
	}
	answered := make(chan reply, 1)
	b.waiting[b.last] = answered
	_, err = b.pipe.Write(append(raw, 0))
	b.mu.Unlock()
	if err != nil {
		return err
	}
	select {
	case r, open := <-answered:
		switch {
		case !open:
			return errors.New("the browser has ended")
		case r.Error != nil:
			return errors.New(r.Error.Message)
		case result == nil:
			return nil
		}
		return json.Unmarshal(r.Result, result)
	case <-time.After(patience):
		return fmt.Errorf("no answer within %s", patience)
	}
}

// read hands the browser's messages, each ended by a NUL, to whom they concern.
func (b *Browser) read(from *os.File) {
	defer from.Close()
	in := bufio.NewReader(from)
	for {
		raw, err := in.ReadBytes(0)
		if err != nil {
			b.end(err)
			return
		}
		var r reply
		if err := json.Unmarshal(raw[:len(raw)-1], &r); err != nil {
			b.end(err)
			return
		}
		b.mu.Lock()
		waiting, page := b.waiting[r.ID], b.pages[r.SessionID]
		delete(b.waiting, r.ID)
		b.mu.Unlock()
		switch {
		case waiting != nil:
			waiting <- r
		case page != nil:
			page.event(r.Method, r.Params)
		}
	}
}

func (b *Browser) end(err error) {
	b.mu.Lock()
	defer b.mu.Unlock()
	b.ended = fmt.Errorf("the browser has ended: %w", err)
	for _, waiting := range b.waiting {
		close(waiting)
	}
	b.waiting = nil
}

func (p *Page) event(method string, params json.RawMessage) {
	switch method {
	case "Page.lifecycleEvent":
		var event struct{ Name, LoaderID string }
		if json.Unmarshal(params, &event) == nil && event.Name == "load" {
			close(p.load(event.LoaderID))
		}
	case "Runtime.consoleAPICalled":
		var called struct {
			Args []struct {
				Value       any
				Description string
			}
		}
		if json.Unmarshal(params, &called) != nil {
			return
		}
		var words []string
		for _, arg := range called.Args {
			if arg.Description != "" {
				words = append(words, arg.Description)
			} else {
				words = append(words, fmt.Sprint(arg.Value))
			}
		}
		p.note(strings.Join(words, " "))
	case "Runtime.exceptionThrown":
		var thrown struct {
			ExceptionDetails struct {
				Text      string
				Exception struct{ Description string }
			}
		}
		if json.Unmarshal(params, &thrown) == nil {
			p.note(fmt.Sprintf("[exception] %s %s", thrown.ExceptionDetails.Text, thrown.ExceptionDetails.Exception.Description))
		}
	case "Log.entryAdded":
		var added struct {
			Entry struct{ Source, Text, URL string }
		}
		if json.Unmarshal(params, &added) == nil {
			p.note(fmt.Sprintf("[%s] %s %s", added.Entry.Source, added.Entry.Text, added.Entry.URL))
		}
	}
}

func (p *Page) note(line string) {
	p.mu.Lock()
	defer p.mu.Unlock()
	p.console = append(p.console, line)
}
