package elizaos

import "strings"

// EachRoute calls f for each method of each line of the table.
func EachRoute(f func(method, path string)) {
	for _, r := range routes {
		for _, method := range strings.Fields(r.methods) {
			f(method, r.path)
		}
	}
}

// Fields are the names that name something.
func Fields() (names []string) {
	for name := range fields {
		names = append(names, name)
	}
	return names
}
