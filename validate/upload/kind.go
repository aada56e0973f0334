// Package upload is the engine that checks the files of a multipart upload as
// it streams by: the name, the declared type and the first bytes of each must
// agree with each other and with the types that are allowed. It holds the
// headers and the first bytes of one part, and nothing else of the body.
package upload

import (
	"bytes"
	"fmt"
	"net/http"
	"slices"
	"strings"
	"unicode/utf8"
)

// kind is a format of files.
type kind struct {
	media      []string // what it may be declared as
	extensions []string // what a file's name may end in
	is         func(first []byte) bool
}

func begins(with string) func([]byte) bool {
	return func(first []byte) bool { return bytes.HasPrefix(first, []byte(with)) }
}

// at compares with what lies behind the first bytes.
func at(offset int, with string) func([]byte) bool {
	return func(first []byte) bool {
		return len(first) >= offset && bytes.HasPrefix(first[offset:], []byte(with))
	}
}

func either(a, b func([]byte) bool) func([]byte) bool {
	return func(first []byte) bool { return a(first) || b(first) }
}

func both(a, b func([]byte) bool) func([]byte) bool {
	return func(first []byte) bool { return a(first) && b(first) }
}

// kinds are the formats that agents deal with; what browsers run or render as
// a page is not among them.
var kinds = []kind{
	{[]string{"image/jpeg", "image/jpg"}, []string{"jpg", "jpeg", "jpe", "jfif"}, begins("\xff\xd8\xff")},
	{[]string{"image/png"}, []string{"png"}, begins("\x89PNG\r\n\x1a\n")},
	{[]string{"image/gif"}, []string{"gif"}, either(begins("GIF87a"), begins("GIF89a"))},
	{[]string{"image/webp"}, []string{"webp"}, both(begins("RIFF"), at(8, "WEBP"))},
	{[]string{"audio/mpeg", "audio/mp3"}, []string{"mp3", "mpga", "mpeg"}, isMPEG},
	{[]string{"audio/wav", "audio/x-wav", "audio/wave"}, []string{"wav", "wave"}, both(begins("RIFF"), at(8, "WAVE"))},
	{[]string{"audio/ogg"}, []string{"ogg", "oga", "opus"}, begins("OggS")},
	{[]string{"audio/webm", "video/webm"}, []string{"webm", "weba"}, begins("\x1a\x45\xdf\xa3")},
	{[]string{"audio/mp4", "video/mp4"}, []string{"mp4", "m4a", "m4v"}, at(4, "ftyp")},
	{[]string{"audio/aac"}, []string{"aac"}, isAAC},
	{[]string{"audio/flac"}, []string{"flac"}, begins("fLaC")},
	{[]string{"application/pdf"}, []string{"pdf"}, begins("%PDF-")},
	{[]string{"text/plain"}, []string{"txt", "text", "log", "md"}, isText},
}

// isMPEG recognises an ID3 tag, or the header of a frame of MPEG audio with
// layer III, II or I (ISO/IEC 11172-3, 2.4.1.3).
func isMPEG(first []byte) bool {
	if bytes.HasPrefix(first, []byte("ID3")) {
		return true
	}
	return len(first) >= 2 && first[0] == 0xff && first[1]&0xe0 == 0xe0 && first[1]&0x06 != 0
}

// isAAC recognises an ADTS header (ISO/IEC 14496-3, 1.A.2.2), or ADIF.
func isAAC(first []byte) bool {
	if bytes.HasPrefix(first, []byte("ADIF")) {
		return true
	}
	return len(first) >= 2 && first[0] == 0xff && first[1]&0xf6 == 0xf0
}

// isText recognises text in which no browser would find anything else.
func isText(first []byte) bool {
	if !strings.HasPrefix(http.DetectContentType(first), "text/plain") {
		return false
	}
	for len(first) > 0 {
		r, size := utf8.DecodeRune(first)
		switch {
		case r == utf8.RuneError && size == 1 && utf8.FullRune(first):
			return false
		case r < 0x20 && r != '\t' && r != '\n' && r != '\r' && r != '\f', r == 0x7f:
			return false
		}
		if first[0] == '<' && !strings.HasPrefix(http.DetectContentType(first), "text/plain") {
			return false
		}
		first = first[size:]
	}
	return true
}

// Types are the media types of files that are allowed.
type Types []string

// ParseTypes reads media types; "image/*" is every type of images that is known.
func ParseTypes(names []string) (Types, error) {
	var types Types
	for _, name := range names {
		found := false
		for _, k := range kinds {
			for _, media := range k.media {
				if strings.EqualFold(name, media) || strings.HasSuffix(name, "/*") && strings.HasPrefix(media, strings.ToLower(name[:len(name)-1])) {
					types, found = append(types, media), true
				}
			}
		}
		if !found {
			return nil, fmt.Errorf("%s is no type of files whose content can be recognised: there is %s, and audio/*, image/*, video/*", name, known())
		}
	}
	return types, nil
}

func known() string {
	var all []string
	for _, k := range kinds {
		all = append(all, k.media...)
	}
	slices.Sort(all)
	return strings.Join(all, ", ")
}

// file is what a part of an upload claims to be.
type file struct {
	name  string
	media string
}

// check says what is wrong with a file that begins with the given bytes.
func (t Types) check(f file, first []byte) error {
	if !slices.Contains(t, f.media) {
		return &TypeError{fmt.Sprintf("the type %q is not among those that are allowed here", f.media)}
	}
	extension := extensionOf(f.name)
	for _, k := range kinds {
		if !slices.Contains(k.media, f.media) {
			continue
		}
		if extension != "" && !slices.Contains(k.extensions, extension) {
			return &TypeError{fmt.Sprintf("the name ends in %q, which is no ending of the declared type %s", extension, f.media)}
		}
		if !k.is(first) {
			return &TypeError{"the content is not of the declared type " + f.media}
		}
		return nil
	}
	return &TypeError{"no format is known for the type " + f.media}
}

// extensionOf is what stands behind the last dot of a name, in small letters.
// A name that ends in a dot has the extension ".", and one that ends in a slash,
// which some servers take off, "/": no format has either. One without a dot
// claims nothing.
func extensionOf(name string) string {
	if strings.HasSuffix(name, "/") {
		return "/"
	}
	name = name[strings.LastIndexAny(name, `/\`)+1:]
	i := strings.LastIndexByte(name, '.')
	switch {
	case i < 0:
		return ""
	case i == len(name)-1:
		return "."
	}
	return strings.ToLower(name[i+1:])
}
