package backend

import (
	"bytes"
	"errors"
	"io"
	"mime"
	"net/http"
	"strconv"
	"strings"

	"github.com/gatehouse-dev/caddy-gatehouse/backend/scrub"
	"github.com/gatehouse-dev/caddy-gatehouse/gate"
)

// Concealed names members of JSON answers that not everybody may see.
type Concealed struct {
	// Member is the last two names of the members, such as settings.secrets.
	Member string `json:"member"`
	// Unless is the scope of those who may see them. Default: nobody may.
	Unless string `json:"unless,omitempty"`

	parent, name string
}

func (c *Concealed) provision() error {
	var ok bool
	if c.parent, c.name, ok = strings.Cut(c.Member, "."); !ok || c.parent == "" || c.name == "" || strings.Contains(c.name, ".") {
		return errors.New("conceal " + c.Member + ": write the last two names of the member, such as settings.secrets")
	}
	return nil
}

// seenBy reports whether the caller may see the members.
func (c *Concealed) seenBy(req *gate.Request) bool {
	return c.Unless != "" && req != nil && req.Principal != nil && req.Principal.Has(c.Unless)
}

// notShown refuses an answer that cannot be looked into, and so is not passed
// on. It is no failure of the backend's: a client that could make it one would
// have the proxy take the backend for dead.
func notShown(res *http.Response, req *gate.Request) error {
	f := &gate.Refusal{Status: http.StatusBadGateway, Code: "BACKEND_UNAVAILABLE", Message: "The backend is unavailable"}
	f.Event.Reason = "the backend's JSON is compressed, which was not asked for, so what is to be concealed cannot be taken out"
	if res.StatusCode == http.StatusPartialContent {
		f.Status, f.Code, f.Message = http.StatusRequestedRangeNotSatisfiable, "RANGE_NOT_SATISFIABLE", "No part of it can be had alone"
		f.Event.Reason = "a part of the backend's JSON was asked for, in which what is to be concealed cannot be told"
	}
	if req != nil {
		req.Refuse(f)
	}
	return gate.ErrCutOff
}

// conceal takes out of a JSON answer what the caller may not see.
func (t *Transport) conceal(res *http.Response, req *gate.Request) error {
	for _, c := range t.Conceal {
		if c.seenBy(req) || !isJSON(res.Header.Get("Content-Type")) {
			continue
		}
		if gate.Encoded(res.Header) || res.StatusCode == http.StatusPartialContent {
			return notShown(res, req)
		}
		length := res.ContentLength
		// The length is another if anything is taken out.
		delete(res.Header, "Content-Length")
		res.ContentLength = -1
		body := io.Reader(scrub.NewReader(res.Body, c.parent, c.name))
		if length > 0 && length <= maxError && res.Body != http.NoBody {
			whole, err := io.ReadAll(body)
			if err != nil {
				return err
			}
			body = bytes.NewReader(whole)
			res.ContentLength = int64(len(whole))
			res.Header.Set("Content-Length", strconv.Itoa(len(whole)))
		}
		res.Body = &putBack{body, res.Body}
	}
	return nil
}

// isJSON reports whether a Content-Type is one of JSON's, or of lines of it.
func isJSON(contentType string) bool {
	if contentType == "application/json" || strings.HasPrefix(contentType, "application/json;") {
		return true // as nearly all are
	}
	media, _, err := mime.ParseMediaType(contentType)
	if err != nil {
		return strings.Contains(strings.ToLower(contentType), "json")
	}
	return strings.HasSuffix(media, "json")
}
