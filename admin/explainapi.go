package admin

import (
	"fmt"
	"net/http"
	"net/netip"
	"strings"

	"github.com/gatehouse-dev/caddy-gatehouse/gate"
)

func init() {
	serve("/gatehouse/refusals", endpoint{http.MethodGet: listRefusals})
	serve("/gatehouse/refusals/{id}", endpoint{http.MethodGet: showRefusal})
	// A trial says whether a key is valid, so it is not for everybody on the
	// host: like a change, it needs the socket.
	serve("/gatehouse/explain", endpoint{http.MethodPost: explainRequest})
}

func listRefusals(_ *http.Request, app *gate.App) (any, error) { return app.Refusals(), nil }

func showRefusal(r *http.Request, app *gate.App) (any, error) {
	for _, told := range app.Refusals() {
		if told.ID == r.PathValue("id") {
			return told, nil
		}
	}
	return nil, failure(http.StatusNotFound, fmt.Errorf("no refusal of that id is remembered: the last thousand are, since the process has started"))
}

// wantedTrial is a request that is to be tried.
type wantedTrial struct {
	Method string      `json:"method"`
	URL    string      `json:"url"`
	Header http.Header `json:"header,omitempty"`
	// Key is presented where the site accepts keys. Default: none.
	Key  string `json:"key,omitempty"`
	Body string `json:"body,omitempty"`
	// Client is the address that it comes from. Default: 127.0.0.1.
	Client string `json:"client,omitempty"`
}

func explainRequest(r *http.Request, app *gate.App) (any, error) {
	wanted := wantedTrial{Method: http.MethodGet, Client: "127.0.0.1"}
	if err := readJSON(r, &wanted); err != nil {
		return nil, err
	}
	client, err := netip.ParseAddr(wanted.Client)
	if err != nil {
		return nil, failure(http.StatusBadRequest, fmt.Errorf("client: %w", err))
	}
	header := make(http.Header)
	for name, values := range wanted.Header {
		for _, value := range values {
			header.Add(name, value)
		}
	}
	trial, err := app.Try(wanted.Method, wanted.URL, header, wanted.Key, strings.NewReader(wanted.Body), client)
	if err != nil {
		return nil, failure(http.StatusBadRequest, err)
	}
	return trial, nil
}
