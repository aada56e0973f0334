package urlpath

import (
	"errors"
	"fmt"
	"strings"
)

// CheckPattern judges a path of a matcher: one that no path of Clean's can match
// guards nothing, and whoever wrote it believes that it does.
func CheckPattern(pattern string) error {
	if err := CheckPatternWithParameters(pattern); err != nil || strings.ContainsAny(pattern, "{[") {
		return err
	}
	if strings.Contains(pattern, ";") || strings.Contains(strings.ToLower(pattern), "%3b") {
		return never(pattern, "a path with a semicolon is refused before it is matched, unless agent_gate has `semicolons pass`")
	}
	return nil
}

// CheckPatternWithParameters is CheckPattern for the paths of CleanWithParameters.
func CheckPatternWithParameters(pattern string) error {
	if strings.Contains(pattern, "{") {
		return nil // what a placeholder stands for is known with the request
	}
	lower := strings.ToLower(pattern)
	switch {
	case pattern == "":
		return errors.New("the path is empty, and matches no request")
	case !strings.HasPrefix(pattern, "/") && !strings.HasPrefix(pattern, "*"):
		return never(pattern, "every path begins with /")
	case strings.Contains(pattern, "//"):
		return never(pattern, "empty segments are taken out of a path before it is matched")
	case strings.Contains(lower, "%2f"), strings.Contains(lower, "%5c"):
		return never(pattern, "a path with an encoded slash is refused before it is matched")
	}
	for segment := range strings.SplitSeq(pattern, "/") {
		if segment == "." || segment == ".." {
			return never(pattern, "dot segments are resolved before a path is matched")
		}
	}
	return nil
}

func never(pattern, why string) error {
	return fmt.Errorf("the path %s matches no request: %s", pattern, why)
}
