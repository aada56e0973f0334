package events

import (
	"bytes"
	"context"
	"encoding/json"
	"errors"
	"fmt"
	"io"
	"maps"
	"net/http"
	"net/url"
	"regexp"
	"strings"
	"sync/atomic"
	"time"

	"github.com/caddyserver/caddy/v2"
	"github.com/caddyserver/caddy/v2/caddyconfig/caddyfile"
	"github.com/caddyserver/caddy/v2/modules/caddyevents"
	"github.com/gatehouse-dev/caddy-gatehouse/events/places"
	"github.com/prometheus/client_golang/prometheus"
	"go.uber.org/zap"
	"golang.org/x/net/http/httpguts"
)

func init() { caddy.RegisterModule(new(Webhook)) }

// postsTotal belongs to the process: it keeps its counts over a reload.
var postsTotal = prometheus.NewCounterVec(prometheus.CounterOpts{
	Namespace: "caddy",
	Subsystem: "gatehouse",
	Name:      "webhook_posts_total",
	Help:      "Events for webhooks by outcome: sent, failed, or dropped because the queue was full.",
}, []string{"outcome"})

const (
	defaultPostTimeout = 5 * time.Second
	postQueue          = 256
	maxPostedAnswer    = 64 << 10
)

// Webhook is a handler of Caddy's events that posts each event's data as JSON.
// It is meant for the event agent_security.
//
// Posting never holds up a request: events wait in a queue of 256, are posted
// one after another and once each, and are dropped while the queue is full.
// The next body says in "dropped" how many were. Redirects are not followed.
type Webhook struct {
	// URL is where to post to: https, or http. Placeholders {env.*} and
	// {file.*} are resolved when the configuration is loaded, and the URL is
	// never logged. Required.
	URL string `json:"url"`
	// Headers are request headers by name, such as Authorization. Placeholders
	// as in URL; a secret that is written down is refused. Default: none.
	Headers map[string]string `json:"headers,omitempty"`
	// Timeout is how long one post may take. Default: 5s.
	Timeout caddy.Duration `json:"timeout,omitempty"`

	logger  *zap.Logger
	client  *http.Client
	queue   chan []byte
	dropped atomic.Int64
	stop    context.CancelFunc
	done    chan struct{}
	failing bool // of the sender alone
}

// CaddyModule returns the Caddy module information.
func (*Webhook) CaddyModule() caddy.ModuleInfo {
	return caddy.ModuleInfo{ID: "events.handlers.agent_webhook", New: func() caddy.Module { return new(Webhook) }}
}

// UnmarshalCaddyfile sets up the handler from Caddyfile tokens. Syntax:
//
//	agent_webhook <url> {
//		header  <name> <value>
//		timeout <duration>
//	}
func (w *Webhook) UnmarshalCaddyfile(d *caddyfile.Dispenser) error {
	d.Next()
	note := func(words ...string) { places.Note(fmt.Sprintf("%s:%d", d.File(), d.Line()), words...) }
	if !d.AllArgs(&w.URL) {
		return d.Err("agent_webhook takes one URL to post to, such as https://hooks.example.com/gate")
	}
	note(webhookLine, w.URL)
	if !strings.Contains(w.URL, "{") {
		if err := checkTarget(w.URL); err != nil {
			return d.WrapErr(err)
		}
	}
	for d.NextBlock(0) {
		switch option := d.Val(); option {
		case "header":
			var name, value string
			if !d.AllArgs(&name, &value) {
				return d.Err("header is written `header <name> <value>`, with quotes around a value that has spaces")
			}
			note("header", name)
			if err := checkPostHeader(name, value); err != nil {
				return d.WrapErr(err)
			}
			if _, twice := w.Headers[name]; twice {
				return d.Errf("the header %s is there twice", name)
			}
			if w.Headers == nil {
				w.Headers = make(map[string]string)
			}
			w.Headers[name] = value
		case "timeout":
			var text string
			if !d.AllArgs(&text) {
				return d.Err("timeout takes one duration, such as 5s")
			}
			if w.Timeout != 0 {
				return d.Err("the option timeout is there twice")
			}
			timeout, err := caddy.ParseDuration(text)
			if err != nil || timeout <= 0 {
				return d.Errf("timeout %s is no duration above zero, such as 5s", text)
			}
			w.Timeout = caddy.Duration(timeout)
		default:
			return d.Errf("unknown option %s: agent_webhook takes header and timeout", option)
		}
	}
	return nil
}

// Provision resolves the placeholders and starts the sender.
func (w *Webhook) Provision(ctx caddy.Context) (err error) {
	defer func() { err = places.Told(err, "", webhookLine) }()
	w.logger = ctx.Logger()
	if err := Register(ctx, postsTotal); err != nil {
		return err
	}
	target, err := resolve(w.URL)
	if err == nil {
		err = checkTarget(target)
	}
	if err != nil {
		line := []string{webhookLine}
		if strings.HasPrefix(w.URL, "{") && strings.HasSuffix(w.URL, "}") {
			line = append(line, w.URL) // any other may hold a secret
		}
		return places.At(fmt.Errorf("agent_webhook: %w", err), line...)
	}
	header := http.Header{"Content-Type": {"application/json"}, "User-Agent": {"gatehouse"}}
	for name, text := range w.Headers {
		err := checkPostHeader(name, text)
		var value string
		if err == nil {
			value, err = resolve(text)
		}
		if err == nil && !httpguts.ValidHeaderFieldValue(value) {
			err = fmt.Errorf("header %s: what it stands for cannot stand in a header: there is a line break or another control character in it", name)
		}
		if err != nil {
			return places.At(fmt.Errorf("agent_webhook: %w", err), "header", name)
		}
		Conceal(value)
		header.Set(name, value)
	}
	timeout := time.Duration(w.Timeout)
	if timeout == 0 {
		timeout = defaultPostTimeout
	}
	w.client = &http.Client{
		Timeout:       timeout,
		Transport:     http.DefaultTransport.(*http.Transport).Clone(),
		CheckRedirect: func(*http.Request, []*http.Request) error { return http.ErrUseLastResponse },
	}
	w.queue = make(chan []byte, postQueue)
	w.done = make(chan struct{})
	sending, stop := context.WithCancel(context.Background())
	w.stop = stop
	go w.send(sending, target, header)
	return nil
}

// webhookLine is how the line of a webhook begins.
const webhookLine = "agent_webhook"

// checkTarget judges where to post to. It may hold a secret, and is not told.
func checkTarget(target string) error {
	u, err := url.Parse(target)
	if err != nil || u.Host == "" || u.Scheme != "https" && u.Scheme != "http" {
		return errors.New("the url must be an https or http URL with a host, such as https://hooks.example.com/gate")
	}
	return nil
}

// checkPostHeader judges a header as it is configured.
func checkPostHeader(name, text string) error {
	if !httpguts.ValidHeaderFieldName(name) {
		return fmt.Errorf("header %q: this is no name of a header", name)
	}
	if SecretHeader(http.CanonicalHeaderKey(name)) && !strings.Contains(text, "{") {
		return fmt.Errorf("the header %s stands in the clear in the configuration, which the admin endpoint tells and Caddy keeps: "+
			"put the secret into the environment or a file, and write {env.NAME} or {file./path} in its place", name)
	}
	return nil
}

// resolve replaces placeholders, none of which may be empty.
func resolve(text string) (string, error) {
	value, err := caddy.NewReplacer().ReplaceOrErr(text, true, true)
	if err != nil {
		return "", fmt.Errorf("%s stands for nothing: set the variable in the environment of the process (env_file is not read for it), or make the file",
			placeholder.FindString(err.Error()))
	}
	return value, nil
}

var placeholder = regexp.MustCompile(`\{.*\}`)

// Cleanup ends the sender. What still waits is not posted.
func (w *Webhook) Cleanup() error {
	if w.stop != nil {
		w.stop()
		<-w.done
		w.client.CloseIdleConnections()
	}
	return nil
}

// Handle puts an event into the queue. It never waits.
func (w *Webhook) Handle(_ context.Context, e caddy.Event) error {
	body := make(map[string]any, len(e.Data)+2)
	maps.Copy(body, e.Data)
	body["time"] = e.Timestamp().Format(time.RFC3339)
	dropped := w.dropped.Swap(0)
	if dropped > 0 {
		body["dropped"] = dropped
	}
	text, err := json.Marshal(body)
	if err != nil {
		w.dropped.Add(dropped)
		return fmt.Errorf("writing an event for a webhook: %w", err)
	}
	select {
	case w.queue <- text:
	default:
		w.dropped.Add(dropped + 1)
		postsTotal.WithLabelValues("dropped").Inc()
	}
	return nil
}

// send posts what is in the queue until it is told to stop.
func (w *Webhook) send(ctx context.Context, target string, header http.Header) {
	defer close(w.done)
	for {
		select {
		case <-ctx.Done():
			return
		case body := <-w.queue:
			err := w.post(ctx, target, header, body)
			if ctx.Err() != nil {
				return
			}
			w.tell(err)
		}
	}
}

func (w *Webhook) post(ctx context.Context, target string, header http.Header, body []byte) error {
	request, err := http.NewRequestWithContext(ctx, http.MethodPost, target, bytes.NewReader(body))
	if err != nil {
		return err
	}
	request.Header = header.Clone()
	response, err := w.client.Do(request)
	if err != nil {
		if inner := (*url.Error)(nil); errors.As(err, &inner) {
			return inner.Err // without the URL
		}
		return err
	}
	defer response.Body.Close()
	_, _ = io.Copy(io.Discard, io.LimitReader(response.Body, maxPostedAnswer))
	if response.StatusCode < 200 || response.StatusCode > 299 {
		return fmt.Errorf("it answered %s", response.Status)
	}
	return nil
}

// tell counts a post, and logs when posts begin to fail and when they succeed
// again, so that a webhook that is away fills no log.
func (w *Webhook) tell(err error) {
	outcome := "sent"
	if err != nil {
		outcome = "failed"
	}
	postsTotal.WithLabelValues(outcome).Inc()
	switch {
	case err != nil && !w.failing:
		w.logger.Error("posting an event to the webhook failed; the next success will be told, failures until then only counted", zap.Error(err))
	case err == nil && w.failing:
		w.logger.Info("events reach the webhook again")
	}
	w.failing = err != nil
}

var (
	_ caddy.Provisioner     = (*Webhook)(nil)
	_ caddy.CleanerUpper    = (*Webhook)(nil)
	_ caddyfile.Unmarshaler = (*Webhook)(nil)
	_ caddyevents.Handler   = (*Webhook)(nil)
)
