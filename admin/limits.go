package admin

import (
	"errors"
	"fmt"
	"net/http"
	"strconv"

	"github.com/gatehouse-dev/caddy-gatehouse/gate"
	"github.com/gatehouse-dev/caddy-gatehouse/ratelimit"
)

func init() {
	serve("/gatehouse/limits", endpoint{http.MethodGet: showLimits})
	serve("/gatehouse/limits/client", endpoint{http.MethodGet: showClient})
	serve("/gatehouse/limits/top", endpoint{http.MethodGet: showTop})
	serve("/gatehouse/limits/reset", endpoint{http.MethodPost: resetClient})
}

func limitsOf(app *gate.App) (*ratelimit.Limits, error) {
	limits, ok := gate.Part[*ratelimit.Limits](app)
	if !ok {
		return nil, failure(http.StatusNotFound, errors.New("this program has no limits"))
	}
	return limits, nil
}

func showLimits(_ *http.Request, app *gate.App) (any, error) {
	limits, err := limitsOf(app)
	if err != nil {
		return nil, err
	}
	return limits.State(), nil
}

// showClient is where one client stands: ?key=, ?ip=, both, ?value= or ?id=,
// and ?plan=.
func showClient(r *http.Request, app *gate.App) (any, error) {
	limits, err := limitsOf(app)
	if err != nil {
		return nil, err
	}
	q := r.URL.Query()
	standing, err := limits.Standing(ratelimit.Subject{Key: q.Get("key"), IP: q.Get("ip"), Value: q.Get("value"), ID: q.Get("id")}, q.Get("plan"))
	if err != nil {
		return nil, failure(http.StatusBadRequest, err)
	}
	return standing, nil
}

// mostTop bounds ?n=.
const mostTop = 1000

// showTop is the clients that have used most: of ?tier=, else of every tier,
// ?n= of each.
func showTop(r *http.Request, app *gate.App) (any, error) {
	limits, err := limitsOf(app)
	if err != nil {
		return nil, err
	}
	n := 10
	if text := r.URL.Query().Get("n"); text != "" {
		if n, err = strconv.Atoi(text); err != nil || n < 1 || n > mostTop {
			return nil, failure(http.StatusBadRequest, fmt.Errorf("n is a number from 1 to %d", mostTop))
		}
	}
	tiers := limits.Tiers()
	if tier := r.URL.Query().Get("tier"); tier != "" {
		tiers = []string{tier}
	}
	top := make(map[string][]ratelimit.Use, len(tiers))
	for _, tier := range tiers {
		if top[tier], err = limits.Top(tier, n); err != nil {
			return nil, failure(http.StatusNotFound, err)
		}
	}
	return top, nil
}

func resetClient(r *http.Request, app *gate.App) (any, error) {
	limits, err := limitsOf(app)
	if err != nil {
		return nil, err
	}
	var subject ratelimit.Subject
	if err := readJSON(r, &subject); err != nil {
		return nil, err
	}
	where, err := limits.Reset(subject)
	if err != nil && where == "" {
		return nil, failure(http.StatusBadRequest, err)
	}
	if err != nil {
		return nil, failure(http.StatusBadGateway, err)
	}
	return map[string]string{"counted": where}, nil
}
