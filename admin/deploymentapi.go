package admin

import (
	"net/http"

	"github.com/gatehouse-dev/caddy-gatehouse/gate"
)

func init() { serve("/gatehouse/deployment", endpoint{http.MethodGet: showDeployment}) }

func showDeployment(_ *http.Request, app *gate.App) (any, error) {
	portrait := app.Portrait()
	_, err := ringOf(app)
	portrait.KeyFile = err == nil
	return portrait, nil
}
