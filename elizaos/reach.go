package elizaos

import (
	"slices"
	"strings"

	"github.com/gatehouse-dev/caddy-gatehouse/gate"
)

// What requests make, and what belongs to an agent from then on.
const (
	session gate.Kind = "session"
	channel gate.Kind = "channel"
	job     gate.Kind = "job"
	// No request makes worlds for a key that is limited to agents.
	world gate.Kind = "world"
)

// parameters are the parameters of paths whose agent can be told. A route with
// any other (a room, a memory, a message server) is closed to a key that is
// limited to agents: the server finds those things by their id alone,
// whosever they are.
var parameters = map[string]gate.Kind{
	":agent":   gate.KindAgent,
	":channel": channel,
	":session": session,
	":job":     job,
	":file":    "", // lies in its agent's or channel's folder
}

// loose are routes that name an agent and do not keep to it: the server looks
// for the logs and runs of all of them.
var loose = []string{
	"/api/agents/:agent/logs",
	"/api/agents/:agent/runs",
}

// making says what a route makes, and which fields name the agents for whom.
type making struct {
	makes []gate.Made
	names []string
}

// makes are the routes that make something for the agents that they name.
var makes = map[string]making{
	"POST /api/messaging/sessions": {
		[]gate.Made{{Kind: session, Field: "sessionId"}, {Kind: channel, Field: "channelId"}}, []string{"agentId"},
	},
	"POST /api/messaging/channels": {
		[]gate.Made{{Kind: channel, Field: "data.id"}}, []string{"participantCentralUserIds"},
	},
	"GET /api/messaging/dm-channel": {
		[]gate.Made{{Kind: channel, Field: "data.id"}}, []string{"targetUserId", "currentUserId"},
	},
	"POST /api/messaging/jobs": {
		[]gate.Made{{Kind: job, Field: "jobId"}}, []string{"agentId"},
	},
}

// fields are the names under which queries, bodies and what is said on sockets
// name agents, users, and what requests make. The server reads some of them
// deep inside metadata.
var fields = map[string]gate.Kind{
	"agentId": gate.KindAgent, "agent_id": gate.KindAgent, "targetAgentId": gate.KindAgent,

	"participantCentralUserIds": gate.KindParty, "participantIds": gate.KindParty, "participants": gate.KindParty,
	"author_id": gate.KindSpeaker, "authorId": gate.KindSpeaker, "senderId": gate.KindSpeaker, "sender_id": gate.KindSpeaker,
	"userId": gate.KindParty, "user_id": gate.KindParty, "currentUserId": gate.KindParty,
	"targetUserId": gate.KindParty, "recipientId": gate.KindParty,

	"channelId": channel, "channel_id": channel, "roomId": channel, "room_id": channel,
	"sessionId": session, "session_id": session,
	"jobId":   job,
	"worldId": world, "world_id": world,
}

// events are the events that people who chat send on a socket, as names and, in
// older clients, as numbers: 1 joins a channel, 2 sends a message.
var events = map[string]string{"message": chat, "1": chat, "2": chat}

// reach is how the agents that requests of the route reach can be told.
func (r route) reach(method string) gate.Reach {
	making := makes[method+" "+r.path]
	reach := gate.Reach{
		Makes:  making.makes,
		For:    making.names,
		Opaque: r.scope == upload,
		Socket: r.path == "/socket.io/*",
	}
	known := !strings.HasSuffix(r.path, "*") && !slices.Contains(loose, r.path)
	for place, segment := range strings.Split(strings.TrimPrefix(r.path, "/"), "/") {
		if !strings.HasPrefix(segment, ":") {
			continue
		}
		kind, ok := parameters[segment]
		known = known && ok
		if kind != "" {
			reach.Segments = append(reach.Segments, gate.Segment{Place: place, Kind: kind})
		}
	}
	reach.Told = reach.Socket || known && (reach.Segments != nil || reach.Makes != nil)
	return reach
}

// Field returns what a field of that name names.
func (t *table) Field(name string) gate.Kind { return fields[name] }

// Event returns the scope that a client needs to send an event.
func (t *table) Event(name string) string {
	if scope, known := events[name]; known {
		return scope
	}
	return admin
}
