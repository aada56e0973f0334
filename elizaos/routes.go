package elizaos

// The scopes of the preset. A key has those that its work needs.
const (
	// read sees agents, channels and messages.
	read = "read"
	// chat talks with agents: it makes channels and sessions and sends messages.
	chat = "chat"
	// upload sends files and recordings.
	upload = "upload"
	// admin runs the server: agents, memories, logs, environment. A route of
	// the API that the table does not know needs it too.
	admin = "admin"
	// anyKey asks for a key and no scope.
	anyKey = ""
)

// route says which scope the requests of some methods to a path need. In a
// path, ":x" stands for one segment and a last "*" for any rest, also none.
type route struct {
	methods string // "*" is any other; GET includes HEAD
	path    string
	scope   string
}

// routes are the routes of @elizaos/server 1.7.2.
var routes = []route{
	{"GET", "/api/agents", read},
	{"POST", "/api/agents", admin},
	// The answer holds the agent's secrets, which the transport takes out for
	// everyone but admin.
	{"GET", "/api/agents/:agent", read},
	{"PATCH DELETE", "/api/agents/:agent", admin},
	{"POST", "/api/agents/:agent/start", admin},
	{"POST", "/api/agents/:agent/stop", admin},
	{"GET", "/api/agents/worlds", read},
	{"POST", "/api/agents/:agent/worlds", chat},
	{"PATCH", "/api/agents/:agent/worlds/:world", chat},
	{"GET", "/api/agents/:agent/panels", read},
	{"*", "/api/agents/:agent/plugins/*", admin},
	{"GET", "/api/agents/:agent/logs", admin},
	{"DELETE", "/api/agents/:agent/logs/:log", admin},
	{"GET", "/api/agents/:agent/runs", admin},
	{"GET", "/api/agents/:agent/runs/:run", admin},

	{"GET", "/api/agents/:agent/rooms/:room/memories", read},
	{"GET", "/api/agents/:agent/memories", read},
	{"DELETE", "/api/agents/:agent/memories", admin},
	{"PATCH DELETE", "/api/agents/:agent/memories/:memory", admin},
	{"DELETE", "/api/agents/:agent/memories/all/:room", admin},
	{"POST", "/api/agents/:agent/rooms", chat},
	{"GET", "/api/agents/:agent/rooms", read},
	{"GET", "/api/agents/:agent/rooms/:room", read},
	{"GET", "/api/memory/:agent/rooms/:room/memories", read},
	{"GET", "/api/memory/:agent/memories", read},
	{"DELETE", "/api/memory/:agent/memories", admin},
	{"PATCH DELETE", "/api/memory/:agent/memories/:memory", admin},
	{"DELETE", "/api/memory/:agent/memories/all/:room", admin},
	{"POST", "/api/memory/:agent/rooms", chat},
	{"GET", "/api/memory/:agent/rooms", read},
	{"GET", "/api/memory/:agent/rooms/:room", read},
	{"POST DELETE", "/api/memory/groups/:server", admin},
	{"DELETE", "/api/memory/groups/:server/memories", admin},

	// What agents say, they say through these: whoever may use them speaks in
	// an agent's name.
	{"POST", "/api/messaging/submit", admin},
	{"POST", "/api/messaging/action", admin},
	{"PATCH", "/api/messaging/action/:action", admin},
	{"POST", "/api/messaging/ingest-external", admin},

	{"GET", "/api/messaging/message-server/current", read},
	{"GET", "/api/messaging/message-servers", read},
	{"POST", "/api/messaging/message-servers", admin},
	{"GET", "/api/messaging/message-servers/:server/agents", read},
	{"POST", "/api/messaging/message-servers/:server/agents", admin},
	{"DELETE", "/api/messaging/message-servers/:server/agents/:agent", admin},
	{"GET", "/api/messaging/message-servers/:server/channels", read},
	{"GET", "/api/messaging/agents/:agent/message-servers", read},

	{"POST", "/api/messaging/channels", chat},
	{"PATCH DELETE", "/api/messaging/channels/:channel", chat},
	{"GET", "/api/messaging/channels/:channel/details", read},
	{"GET", "/api/messaging/channels/:channel/participants", read},
	{"GET", "/api/messaging/channels/:channel/agents", read},
	{"POST", "/api/messaging/channels/:channel/agents", chat},
	{"DELETE", "/api/messaging/channels/:channel/agents/:agent", chat},
	{"GET", "/api/messaging/channels/:channel/messages", read},
	{"POST DELETE", "/api/messaging/channels/:channel/messages", chat},
	{"DELETE", "/api/messaging/channels/:channel/messages/:message", chat},
	{"POST", "/api/messaging/channels/:channel/generate-title", chat},
	{"POST", "/api/messaging/channels/:channel/upload-media", upload},
	// It makes the channel if there is none.
	{"GET", "/api/messaging/dm-channel", chat},

	{"GET", "/api/messaging/sessions/health", read},
	{"GET", "/api/messaging/sessions", admin}, // those of all users
	{"POST", "/api/messaging/sessions", chat},
	{"GET DELETE", "/api/messaging/sessions/:session", chat},
	{"GET POST", "/api/messaging/sessions/:session/messages", chat},
	{"POST", "/api/messaging/sessions/:session/renew", chat},
	{"POST", "/api/messaging/sessions/:session/heartbeat", chat},
	{"PATCH", "/api/messaging/sessions/:session/timeout", chat},

	{"GET", "/api/messaging/jobs/health", read},
	{"GET", "/api/messaging/jobs", admin}, // those of all users
	{"POST", "/api/messaging/jobs", chat},
	{"GET", "/api/messaging/jobs/:job", chat},

	{"POST", "/api/media/agents/:agent/upload-media", upload},
	{"POST", "/api/media/channels/:channel/upload-media", upload},
	{"POST", "/api/audio/:agent/audio-messages", upload},
	{"POST", "/api/audio/:agent/transcriptions", upload},
	{"POST", "/api/audio/:agent/audio-messages/synthesize", chat},
	{"POST", "/api/audio/:agent/speech/generate", chat},
	{"POST", "/api/audio/:agent/speech/conversation", chat},

	{"GET", "/api/server/ping", read},
	{"GET", "/api/server/hello", read},
	{"GET", "/api/server/status", read},
	{"GET", "/api/server/health", read},
	{"GET", "/api/server/debug/servers", admin},
	{"POST", "/api/server/stop", admin},
	{"GET POST DELETE", "/api/server/logs", admin},
	{"GET", "/api/system/config", read},
	{"GET", "/api/system/version", read},
	{"GET POST", "/api/system/env/local", admin},

	// Older names of the above, which no client of 1.7.2 uses.
	{"GET", "/api/messaging/central-servers", admin},
	{"GET", "/api/messaging/central-servers/:server/channels", admin},
	{"POST", "/api/messaging/servers", admin},
	{"GET POST", "/api/messaging/servers/:server/agents", admin},
	{"DELETE", "/api/messaging/servers/:server/agents/:agent", admin},
	{"POST", "/api/messaging/central-channels", admin},
	{"PATCH DELETE", "/api/messaging/central-channels/:channel", admin},
	{"GET", "/api/messaging/central-channels/:channel/details", admin},
	{"GET", "/api/messaging/central-channels/:channel/participants", admin},
	{"GET POST", "/api/messaging/central-channels/:channel/agents", admin},
	{"DELETE", "/api/messaging/central-channels/:channel/agents/:agent", admin},
	{"GET POST DELETE", "/api/messaging/central-channels/:channel/messages", admin},
	{"DELETE", "/api/messaging/central-channels/:channel/messages/:message", admin},
	{"POST", "/api/messaging/central-channels/:channel/generate-title", admin},

	{"*", "/api/*", admin},

	{"GET", "/healthz", anyKey}, // which the preset declares public
	{"GET", "/health", anyKey},
	{"GET", "/media/uploads/agents/:agent/:file", read},
	{"GET", "/media/uploads/channels/:channel/:file", read},
	{"GET", "/media/generated/:agent/:file", read},
	{"GET", "/media/*", read},
	{"*", "/socket.io/*", chat},
	// The web UI, and whatever plugins mount at the root.
	{"*", "/*", anyKey},
}
