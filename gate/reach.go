package gate

// Kind is what a word in a request names. Besides the kinds here, backends
// have their own, for things that requests make and that belong to an agent
// from then on: a session, a channel.
type Kind string

const (
	// KindAgent names an agent.
	KindAgent Kind = "agent"
	// KindParty names somebody who takes part in a conversation: an agent, or
	// a user.
	KindParty Kind = "party"
	// KindSpeaker names a party that says something. It is never an agent:
	// what agents say does not come through the gate.
	KindSpeaker Kind = "speaker"
)

// Reach is how the agents that a request reaches can be told, for keys that
// are limited to some. The zero value says that they cannot be told. It is
// shared by all requests and never changed.
type Reach struct {
	// Told says that everything the request is about is named by Segments, or
	// made by it for the agents that it names.
	Told bool
	// Segments are the segments of the path that name something.
	Segments []Segment
	// Makes are the things that a request of the route makes.
	Makes []Made
	// For are the fields that say for which agents it makes them: of the query
	// of a GET, else at the top of the body. The backend reads no others, and
	// may take any agent where they are missing.
	For []string
	// Opaque says that the body is a file, which names nothing.
	Opaque bool
	// Socket says that the route leads to a socket, where each event is judged
	// by itself.
	Socket bool
}

// Segment is a segment of a path that names something.
type Segment struct {
	// Place counts from 0.
	Place int
	// Kind is what the segment names.
	Kind Kind
}

// Made is a thing that a request makes and its answer names.
type Made struct {
	Kind Kind
	// Field leads to the id in the answer, a JSON object: "sessionId", or
	// "data.id".
	Field string
}
