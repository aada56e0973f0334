package auth

import (
	"encoding/json"
	"errors"
	"net/http"
	"slices"
	"strings"

	"github.com/caddyserver/caddy/v2"
	"github.com/gatehouse-dev/caddy-gatehouse/gate"
	"go.uber.org/zap"
)

// agentHeader is the header by which a client narrows a request to one agent.
const agentHeader = "X-Agent-Id"

// agentPlaceholder holds the id of the agent that a request is for, where it
// can be told.
const agentPlaceholder = "http.auth.agent.id"

// reach is what a request may reach: what it names is held against the key
// that it came with, and against the agent that it says it is for.
type reach struct {
	table  gate.RouteTable
	route  *gate.Route
	caller *gate.Principal
	owner  string // under which what the key makes is remembered
	made   *made
	rings  rings  // whose keys know of further agents
	wanted string // the agent of X-Agent-ID; "" if there is none

	named named
	// agents and user are those of what the request makes.
	agents []string
	user   string
}

// checkReach refuses a request that reaches for an agent that it may not reach.
// It returns nil if nothing is to be remembered of the request.
func (a *Auth) checkReach(r *http.Request, req *gate.Request, known *principal) (*reach, error) {
	caller := known.Principal
	wanted, err := wantedAgent(r)
	if err != nil {
		return nil, err
	}
	if wanted != "" && !caller.MayReach(wanted) {
		return nil, outOfReach(caller, "it may not reach the agent that X-Agent-ID names")
	}
	if a.table == nil {
		if caller.Limited() {
			return nil, outOfReach(caller, "nothing says where the requests of this site name their agents: write `routes <table>` in agent_auth, "+
				"or use the preset of the backend")
		}
		setAgent(r, wanted)
		return nil, nil
	}
	route := req.RouteIn(a.table, r)
	if !caller.Limited() && wanted == "" {
		setAgent(r, agentInPath(r.URL.Path, route))
		return nil, nil
	}
	c := &reach{table: a.table, route: route, caller: caller, owner: known.owner, made: a.made, rings: a.rings(), wanted: wanted}
	if err := c.read(r, req); err != nil {
		return nil, err
	}
	if err := c.check(); err != nil {
		return nil, err
	}
	setAgent(r, c.agent())
	if !caller.Limited() || len(c.route.Reach.Makes) == 0 {
		return nil, nil
	}
	return c, nil
}

// wantedAgent is the agent that the request says it is for; "" if it says none.
func wantedAgent(r *http.Request) (string, error) {
	wanted := ""
	for _, value := range r.Header[agentHeader] {
		value = strings.ToLower(trimSpace(value))
		switch {
		case wanted == "":
			wanted = value
		case value != "" && value != wanted:
			return "", mismatch("X-Agent-ID is there twice, with two agents")
		}
	}
	return wanted, nil
}

// agentInPath is the one agent that the path names; "" where there is none.
func agentInPath(path string, route *gate.Route) string {
	if len(route.Reach.Segments) == 0 {
		return ""
	}
	c := reach{route: route}
	c.named.inPath(path, route.Reach.Segments)
	return c.agent()
}

func setAgent(r *http.Request, agent string) {
	if agent == "" {
		return
	}
	if repl, ok := r.Context().Value(caddy.ReplacerCtxKey).(*caddy.Replacer); ok {
		repl.Set(agentPlaceholder, agent)
	}
}

// read finds what the request names.
func (c *reach) read(r *http.Request, req *gate.Request) error {
	c.named.inPath(r.URL.Path, c.route.Reach.Segments)
	inQuery, inBody := []string(nil), c.route.Reach.For
	if gate.IsGet(r.Method) {
		inQuery, inBody = inBody, nil
	}
	err := c.named.inQuery(c.table, r.URL.RawQuery, inQuery)
	if err == nil && !c.route.Reach.Opaque && !c.route.Reach.Socket {
		err = c.named.inBody(c.table, r, req, inBody)
	}
	if !errors.Is(err, errUnreadable) {
		return err
	}
	if c.caller.Limited() {
		return outOfReach(c.caller, "the query or the body cannot be read for the agents that it names: it is no JSON in UTF-8")
	}
	if r.URL.RawQuery == "" && !strings.Contains(strings.ToLower(r.Header.Get("Content-Type")), "json") {
		return nil // no document of a backend's API: it names nothing
	}
	return mismatch("the query or the body cannot be read for the agents that it names beside X-Agent-ID")
}

// check holds what is named against the key.
func (c *reach) check() error {
	for _, agent := range c.named.agents {
		if c.wanted != "" && agent != c.wanted {
			return mismatch("the request names another agent than X-Agent-ID does")
		}
		if !c.caller.MayReach(agent) {
			return outOfReach(c.caller, "it may not reach the agent that the request names")
		}
	}
	if !c.caller.Limited() {
		return nil
	}
	if !c.route.Reach.Told {
		return outOfReach(c.caller, "whose agent this request reaches cannot be told")
	}
	if slices.ContainsFunc(c.named.speakers, func(id string) bool { return id != strings.ToLower(id) || c.caller.MayReach(id) }) {
		return outOfReach(c.caller, "somebody else than the user, whose id is in small letters, is said to speak: what one agent says reaches others")
	}
	strangers := c.strangers()
	if slices.ContainsFunc(strangers, c.rings.knowAgent) {
		return outOfReach(c.caller, "another key's agent is named as the user")
	}
	agents := c.named.agents
	for _, t := range c.named.things {
		d, ok := c.made.find(c.owner, t)
		switch {
		case !ok:
			return outOfReach(c.caller, "it has not made this "+string(t.Kind))
		case !c.reaches(d.Agents):
			return outOfReach(c.caller, "it may not reach the agent of this "+string(t.Kind)+" any more")
		case c.wanted != "" && !slices.Contains(d.Agents, c.wanted):
			return mismatch("the " + string(t.Kind) + " is another agent's than X-Agent-ID names")
		}
		agents = append(agents, d.Agents...)
		for _, stranger := range strangers {
			if stranger != d.User {
				return outOfReach(c.caller, "somebody is named who takes no part in this "+string(t.Kind)+", and who may be an agent")
			}
		}
	}
	making := len(c.route.Reach.Makes) > 0
	if len(c.named.things) == 0 && len(strangers) > 0 {
		if !making || len(strangers) > 1 {
			return outOfReach(c.caller, "more than one is named who is no agent of the key's, and who may be another agent")
		}
		c.user = strangers[0]
	}
	if making {
		agents = slices.DeleteFunc(c.named.chosen, func(id string) bool { return !c.caller.MayReach(id) })
		if len(agents) == 0 {
			return outOfReach(c.caller, "the request names none of the agents that the key may reach")
		}
	}
	c.agents = agents
	return nil
}

// strangers are the parties that are no agents of the key's.
func (c *reach) strangers() []string {
	return slices.DeleteFunc(slices.Clone(c.named.parties), c.caller.MayReach)
}

func (c *reach) reaches(agents []string) bool {
	return !slices.ContainsFunc(agents, func(agent string) bool { return !c.caller.MayReach(agent) })
}

// agent is the agent that the request is for; "" where it is none or several.
func (c *reach) agent() string {
	switch {
	case c.wanted != "":
		return c.wanted
	case len(c.agents) > 0 && !slices.ContainsFunc(c.agents, func(agent string) bool { return agent != c.agents[0] }):
		return c.agents[0]
	case len(c.agents) == 0 && len(c.named.agents) == 1:
		return c.named.agents[0]
	}
	return ""
}

// remember keeps what the answer says was made.
func (c *reach) remember(logger *zap.Logger, answer []byte) {
	for _, m := range c.route.Reach.Makes {
		id := field(answer, m.Field)
		if id == "" {
			logger.Warn("the backend's answer does not name what was made for a key that is limited to agents, so the key cannot use it",
				zap.String("key_id", c.caller.KeyID), zap.String("kind", string(m.Kind)), zap.String("field", m.Field))
			continue
		}
		c.made.add(c.owner, deed{thing: thing{m.Kind, strings.ToLower(id)}, Agents: c.agents, User: c.user})
	}
}

// field is the string that a path of names leads to in a JSON document.
func field(text []byte, path string) string {
	name, rest, nested := strings.Cut(path, ".")
	var object map[string]json.RawMessage
	if json.Unmarshal(text, &object) != nil {
		return ""
	}
	if nested {
		return field(object[name], rest)
	}
	var id string
	_ = json.Unmarshal(object[name], &id)
	return id
}

// outOfReach refuses a key that is limited to agents. The client learns nothing
// of which agents, sessions and channels there are.
func outOfReach(caller *gate.Principal, reason string) *gate.Refusal {
	refusal := gate.Forbidden("agents", "the key "+caller.KeyID+" is limited to agents: "+reason)
	refusal.Event.KeyID = caller.KeyID
	return refusal
}

// mismatch refuses a request that names another agent than it says it is for.
func mismatch(reason string) *gate.Refusal {
	return gate.BadRequest("AGENT_MISMATCH", "The request names another agent than X-Agent-ID", reason)
}
