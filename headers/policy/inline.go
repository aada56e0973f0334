package policy

import (
	"mime"
	"strings"
)

// Inline reports whether a file of this Content-Type may be shown by the
// browser in its place: images, audio, video and PDF. Everything else can be a
// page that runs, or may be taken for one: HTML and XML of course, and SVG,
// which is an image that holds scripts. A missing or malformed type is not
// shown.
func Inline(contentType string) bool {
	mediaType, _, err := mime.ParseMediaType(contentType)
	if err != nil || strings.HasSuffix(mediaType, "+xml") {
		return false
	}
	kind, _, whole := strings.Cut(mediaType, "/")
	return whole && (kind == "image" || kind == "audio" || kind == "video" || mediaType == "application/pdf")
}
