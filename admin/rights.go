package admin

import (
	"fmt"
	"time"

	"github.com/caddyserver/caddy/v2"
	"github.com/gatehouse-dev/caddy-gatehouse/auth"
	"github.com/gatehouse-dev/caddy-gatehouse/auth/keys"
	"github.com/gatehouse-dev/caddy-gatehouse/gate/ipaddr"
	"github.com/spf13/cobra"
)

// rights are what a new key may do, as they are asked for: by flags, or in the
// body of a request to the admin API.
type rights struct {
	ID      string   `json:"id"`
	Scopes  []string `json:"scopes"`
	Agents  []string `json:"agents"`
	From    []string `json:"from"`
	Sites   []string `json:"sites"`
	Plan    string   `json:"plan"`
	Entity  string   `json:"entity"`
	Expires string   `json:"expires"`
	// For is how long it lasts from now, in the place of Expires.
	For string `json:"for"`
}

// defaultOverlap is how long the old secret is accepted after a rotation.
const defaultOverlap = "24h"

func (r *rights) flags(cmd *cobra.Command) {
	cmd.Flags().StringSliceVar(&r.Scopes, "scope", nil, "what the key may do, such as read,chat (\"*\" is everything); required")
	cmd.Flags().StringSliceVar(&r.Agents, "agent", nil, "the ids of the agents that it may reach (default: all)")
	cmd.Flags().StringSliceVar(&r.From, "from", nil, "the networks that it may be used from (default: all)")
	cmd.Flags().StringSliceVar(&r.Sites, "site", nil, "the sites where it is good (default: all)")
	cmd.Flags().StringVar(&r.Plan, "plan", "", "the plan whose limits hold for it")
	cmd.Flags().StringVar(&r.Entity, "entity", "", "the entity id that its requests carry")
	cmd.Flags().StringVar(&r.Expires, "expires", "", "when it ends: a date (2027-01-31, to its end in UTC) or a time (2027-01-31T12:00:00Z)")
	cmd.Flags().StringVar(&r.For, "for", "", "how long it lasts from now: a duration (90d)")
	cmd.MarkFlagsMutuallyExclusive("expires", "for")
	_ = cmd.MarkFlagRequired("scope")
}

// key is the key that is asked for. Its errors name what was asked for by the
// names of the flags, which but for the hyphens are those of the JSON fields.
func (r *rights) key() (keys.Key, error) {
	k := keys.Key{ID: r.ID, Scopes: r.Scopes, Agents: r.Agents, Sites: r.Sites, Plan: r.Plan, Entity: r.Entity}
	for _, agent := range r.Agents {
		if err := keys.CheckAgent(agent); err != nil {
			return k, fmt.Errorf("--%w", err)
		}
	}
	for _, site := range r.Sites {
		if err := keys.CheckSite(site); err != nil {
			return k, fmt.Errorf("--%w", err)
		}
	}
	for _, text := range r.From {
		network, err := ipaddr.ParseNetwork(text)
		if err != nil {
			return k, fmt.Errorf("--from %s: %w", text, err)
		}
		k.From = append(k.From, network)
	}
	var err error
	switch {
	case r.Expires != "" && r.For != "":
		return k, fmt.Errorf("--expires and --for both say when it ends: give one of them")
	case r.Expires != "":
		if k.Expires, err = auth.ParseEnd(r.Expires); err != nil {
			return k, fmt.Errorf("--%w", err)
		}
	case r.For != "":
		lasting, err := caddy.ParseDuration(r.For)
		if err != nil {
			return k, fmt.Errorf("--for %s: write a duration like 90d", r.For)
		}
		k.Expires = time.Now().Add(lasting).Truncate(time.Second)
	}
	return k, nil
}
