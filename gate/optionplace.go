package gate

import (
	"fmt"
	"slices"
	"strings"
	"sync"

	"github.com/caddyserver/caddy/v2/caddyconfig/caddyfile"
)

// places are where lines stand that a check may find fault with, by their words,
// until a configuration is started.
var places struct {
	sync.Mutex
	of map[string][]string
}

// NotePlace keeps where an option stands that was just read, for a check that
// is made when its handler is provisioned.
func NotePlace(d *caddyfile.Dispenser, option string, args []string) {
	notePlace(d.File(), d.Line(), option, args)
}

func notePlace(file string, number int, option string, args []string) {
	place := fmt.Sprintf("%s:%d", file, number)
	line := option + " " + strings.Join(args, " ")
	places.Lock()
	defer places.Unlock()
	if places.of == nil {
		places.of = make(map[string][]string)
	}
	if !slices.Contains(places.of[line], place) {
		places.of[line] = append(places.of[line], place)
	}
}

// PlaceOf says where an option with these arguments stands, with a colon and a
// blank behind it: Caddyfile:12. It is "" where nobody knows: the configuration
// came as JSON, as that of a reload from the command line does.
func PlaceOf(option string, args []string) string {
	places.Lock()
	defer places.Unlock()
	if found := places.of[option+" "+strings.Join(args, " ")]; len(found) > 0 {
		return strings.Join(found, " or ") + ": "
	}
	return ""
}

// forgetPlaces ends what PlaceOf knows: a configuration that comes later may
// have its lines elsewhere.
func forgetPlaces() {
	places.Lock()
	defer places.Unlock()
	clear(places.of)
}
