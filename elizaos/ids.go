package elizaos

import (
	"slices"
	"strings"

	"github.com/gatehouse-dev/caddy-gatehouse/gate"
)

// notUUIDs are the parameters of paths that the server takes as they come.
var notUUIDs = []string{"file", "session", "job"}

// ids are the UUIDs in the route's path. The server answers 400 to any other
// text in their place, in one of several shapes; this is the commonest.
func (r route) ids() []gate.PathID {
	var ids []gate.PathID
	for i, segment := range strings.Split(strings.TrimPrefix(r.path, "/"), "/") {
		if name, ok := strings.CutPrefix(segment, ":"); ok && !slices.Contains(notUUIDs, name) {
			ids = append(ids, gate.PathID{Segment: i, Message: "Invalid " + name + " ID format"})
		}
	}
	return ids
}
