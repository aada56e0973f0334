package validate

import (
	"strings"

	"github.com/gatehouse-dev/caddy-gatehouse/gate"
)

// checkIDs refuses a path in which an id is no UUID.
func checkIDs(ids []gate.PathID, path string) error {
	segment := -1
	for part := range strings.SplitSeq(path, "/") {
		for _, id := range ids {
			if id.Segment == segment && !isUUID(part) {
				return gate.BadRequest("INVALID_ID", id.Message, "an id in the path is no UUID")
			}
		}
		segment++
	}
	return nil
}

// isUUID reports whether s is a UUID in the usual form (RFC 9562, section 4),
// of whatever version, as ElizaOS reads them.
func isUUID(s string) bool {
	if len(s) != 36 {
		return false
	}
	for i := range len(s) {
		switch c := s[i]; {
		case i == 8 || i == 13 || i == 18 || i == 23:
			if c != '-' {
				return false
			}
		case c >= '0' && c <= '9' || c >= 'a' && c <= 'f' || c >= 'A' && c <= 'F':
		default:
			return false
		}
	}
	return true
}
