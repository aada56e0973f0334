package upload

import (
	"bytes"
	"errors"
	"io"
	"mime/multipart"
	"strings"
	"testing"

	"pgregory.net/rapid"
)

const contentType = "multipart/form-data; boundary=XxX"

var everything = mustTypes("audio/*", "image/*", "video/*", "application/pdf", "text/plain")

func mustTypes(names ...string) Types {
	types, err := ParseTypes(names)
	if err != nil {
		panic(err)
	}
	return types
}

// part is one part of a form, header and content.
func part(header, content string) string {
	return "--XxX\r\n" + header + "\r\n\r\n" + content + "\r\n"
}

func fileOf(name, media, content string) string {
	return part(`Content-Disposition: form-data; name="file"; filename="`+name+"\"\r\nContent-Type: "+media, content) + "--XxX--\r\n"
}

// verdict feeds a body in pieces: "ok", "type" or "form".
func verdict(t testing.TB, body string, size int) string {
	t.Helper()
	f, err := NewForm(contentType, everything)
	if err != nil {
		t.Fatal(err)
	}
	for rest := []byte(body); err == nil && len(rest) > 0; {
		n := min(size, len(rest))
		err = f.Write(rest[:n])
		rest = rest[n:]
	}
	if err == nil {
		err = f.End()
	}
	return named(err)
}

func named(err error) string {
	kind := (*TypeError)(nil)
	switch {
	case err == nil:
		return "ok"
	case errors.As(err, &kind):
		return "type"
	case Malformed(err):
		return "form"
	}
	return err.Error()
}

const png = "\x89PNG\r\n\x1a\n and so on"

var samples = map[string]string{
	"jpg": "\xff\xd8\xff\xe0", "png": png, "gif": "GIF89a\x00", "webp": "RIFF\x01\x02\x03\x04WEBP", "mp3": "ID3\x04", "wav": "RIFF\x01\x02\x03\x04WAVE",
	"ogg": "OggS\x00", "webm": "\x1a\x45\xdf\xa3", "mp4": "\x00\x00\x00\x18ftypmp42", "aac": "\xff\xf1\x50", "flac": "fLaC\x00", "pdf": "%PDF-1.7", "txt": "héllo\r\nyou",
}

// TestEveryKind holds that each format passes as itself and as nothing else,
// whatever is declared and however it is named.
func TestEveryKind(t *testing.T) {
	for content, sample := range samples {
		for _, k := range kinds {
			for _, media := range k.media {
				for _, extension := range k.extensions {
					want := "ok"
					if content != k.extensions[0] {
						want = "type"
					}
					if got := verdict(t, fileOf("it."+extension, media, sample), 1<<20); got != want {
						t.Errorf("%s as %s, named .%s: %s, want %s", content, media, extension, got, want)
					}
				}
			}
		}
	}
}

func TestForms(t *testing.T) {
	field := part(`Content-Disposition: form-data; name="agentId"`, "here --XxX is no boundary\r\n--Xx\r")
	disposition := `Content-Disposition: form-data; name="file"; filename="a.png"`
	for name, test := range map[string]struct{ body, want string }{
		"a picture":                    {fileOf("a.png", "image/png", png), "ok"},
		"fields before":                {field + fileOf("a.png", "image/png", png), "ok"},
		"an empty line first":          {"\r\n" + fileOf("a.png", "image/png", png), "ok"},
		"no name's ending":             {fileOf("blob", "image/png", png), "ok"},
		"parameters of the type":       {fileOf("a.webm", "audio/webm;codecs=opus", samples["webm"]), "ok"},
		"content that is not encoded":  {part(disposition+"\r\nContent-Type: image/png\r\nContent-Transfer-Encoding: Binary", png) + "--XxX--", "ok"},
		"a name with a folder":         {fileOf("d/a.png", "image/png", png), "ok"},
		"capitals":                     {fileOf("A.PNG", "Image/PNG", png), "ok"},
		"two endings, the last counts": {fileOf("a.html.png", "image/png", png), "ok"},
		"no parts":                     {"--XxX--\r\n", "ok"},
		"an extended name":             {part("Content-Disposition: form-data; name=file; filename*=UTF-8''%C3%A4.png\r\nContent-Type: image/png", png) + "--XxX--", "ok"},
		"an empty field":               {part(`Content-Disposition: form-data; name="a"`, "") + "--XxX--", "ok"},
		"an empty text":                {fileOf("a.txt", "text/plain", ""), "ok"},
		"content like a boundary":      {fileOf("a.txt", "text/plain", "--Xx\r\n--XxY\r\n\r\r\n--XxZ\r"), "ok"},

		"a page as a picture":          {fileOf("a.html", "image/png", "<html>"), "type"},
		"a page in a picture's name":   {fileOf("a.png", "image/png", "<html>"), "type"},
		"a picture in a page's name":   {fileOf("a.html", "image/png", png), "type"},
		"a picture with a page's type": {fileOf("a.png", "text/html", png), "type"},
		"a vector picture":             {fileOf("a.svg", "image/svg+xml", "<svg/>"), "type"},
		"an empty picture":             {fileOf("a.png", "image/png", ""), "type"},
		"a name that ends in a slash":  {fileOf("a.html/", "image/png", png), "type"},
		"a name that ends in a dot":    {fileOf("a.png.", "image/png", png), "type"},
		"a page as text":               {fileOf("a.txt", "text/plain", "  \n<!DOCTYPE html><script>"), "type"},
		"a page behind text":           {fileOf("a.txt", "text/plain", "hello <html>"), "type"},
		"bytes as text":                {fileOf("a.txt", "text/plain", "a\x00b"), "type"},
		"no type":                      {part(disposition, png) + "--XxX--", "type"},
		"a type without a name":        {part("Content-Disposition: form-data; name=\"file\"\r\nContent-Type: application/octet-stream", png) + "--XxX--", "type"},
		"the second file":              {part(disposition+"\r\nContent-Type: image/png", png) + fileOf("b.exe", "application/octet-stream", "MZ"), "type"},
		"cut off before the bytes":     {part(disposition+"\r\nContent-Type: image/png", "<html>"), "form"},

		"nothing":                    {"", "form"},
		"something first":            {"x\r\n" + fileOf("a.png", "image/png", png), "form"},
		"something last":             {fileOf("a.png", "image/png", png) + "x", "form"},
		"another boundary":           {strings.ReplaceAll(fileOf("a.png", "image/png", png), "XxX", "XxY"), "form"},
		"no end":                     {part(disposition+"\r\nContent-Type: image/png", png), "form"},
		"padding":                    {strings.Replace(fileOf("a.png", "image/png", png), "XxX\r\n", "XxX \r\n", 1), "form"},
		"a longer boundary":          {strings.Replace(fileOf("a.png", "image/png", png), "--XxX--", "--XxXy\r\n\r\n--XxX--", 1), "form"},
		"bare line feeds":            {strings.ReplaceAll(fileOf("a.png", "image/png", png), "\r\n", "\n"), "form"},
		"a bare line feed":           {strings.Replace(fileOf("a.png", "image/png", png), "\"\r\nContent-Type", "\"\nContent-Type", 1), "form"},
		"a folded header":            {strings.Replace(fileOf("a.png", "image/png", png), "; filename", ";\r\n filename", 1), "form"},
		"two dispositions":           {part(disposition+"\r\n"+disposition, png) + "--XxX--", "form"},
		"no disposition":             {part("Content-Type: image/png", png) + "--XxX--", "form"},
		"another disposition":        {part(`Content-Disposition: attachment; filename="a.png"`, png) + "--XxX--", "form"},
		"two names":                  {part(disposition+`; filename="b.html"`, png) + "--XxX--", "form"},
		"two names, one extended":    {part(disposition+`; filename*=UTF-8''b.html`, png) + "--XxX--", "form"},
		"a name in pieces":           {part(`Content-Disposition: form-data; name="file"; filename*0="a."; filename*1="html"`, png) + "--XxX--", "form"},
		"an escaped name":            {part(`Content-Disposition: form-data; name="file"; filename="a\".html"`, png) + "--XxX--", "form"},
		"a control in an ext. name":  {part(`Content-Disposition: form-data; name="file"; filename*=UTF-8''a.html%00.png`, png) + "--XxX--", "form"},
		"a name in another charset":  {part(`Content-Disposition: form-data; name="file"; filename*=iso-8859-1''a.html`, "<html>") + "--XxX--", "form"},
		"an ext. name of no charset": {part(`Content-Disposition: form-data; name="file"; filename*=a.html`, "<html>") + "--XxX--", "form"},
		"an ext. name cut off":       {part(`Content-Disposition: form-data; name="file"; filename*=UTF-8''a.html%`, "<html>") + "--XxX--", "form"},
		"encoded content":            {part(disposition+"\r\nContent-Type: text/plain\r\nContent-Transfer-Encoding: quoted-printable", "=3Chtml=3E") + "--XxX--", "form"},
		"two types":                  {part(disposition+"\r\nContent-Type: image/png\r\nContent-Type: text/html", png) + "--XxX--", "form"},
		"a space before the colon":   {part(`Content-Disposition : form-data; name="a"`, "") + "--XxX--", "form"},
		"a header without end":       {"--XxX\r\n" + strings.Repeat("X: y\r\n", 3000), "form"},
		"a boundary in a header":     {"--XxX\r\n" + `Content-Disposition: form-data; name="a"` + "\r\n--XxX: y\r\n\r\n\r\n--XxX--", "form"},
		"a boundary right behind it": {"--XxX\r\n" + `Content-Disposition: form-data; name="a"` + "\r\n\r\n--XxX--", "form"},
	} {
		for _, size := range []int{1, 2, 3, 7, 64, 1 << 20} {
			if got := verdict(t, test.body, size); got != test.want {
				t.Errorf("%s, in pieces of %d: %s, want %s", name, size, got, test.want)
			}
		}
	}
}

func TestContentTypes(t *testing.T) {
	for value, want := range map[string]bool{
		contentType:                                                true,
		`Multipart/Form-Data; Boundary="a b'c"`:                    true,
		"multipart/form-data":                                      false,
		"multipart/form-data; boundary=":                           false,
		"multipart/form-data; boundary=a; boundary=b":              false,
		`multipart/form-data; boundary="a\"b"`:                     false,
		`multipart/form-data; boundary="a "`:                       false,
		"multipart/form-data; boundary=" + strings.Repeat("a", 71): false,
		"multipart/mixed; boundary=a":                              false,
		"multipart/form-data; boundary=a; boundary*=utf-8''b":      false,
		"multipart/form-data; boundary=a; boundary*0=b":            false,
		"multipart/form-data; boundary*=utf-8''b":                  false,
		`multipart/form-data; x="boundary=a"; boundary=b`:          false,
		"multipart/form-data; boundary=----WebKitFormBoundaryA1b2": true,
	} {
		if _, err := NewForm(value, everything); (err == nil) != want {
			t.Errorf("%s: %v", value, err)
		}
	}
}

func TestParseTypes(t *testing.T) {
	if _, err := ParseTypes([]string{"image/png", "text/html"}); err == nil || !strings.Contains(err.Error(), "text/html") {
		t.Errorf("got %v", err)
	}
	if got := len(mustTypes("audio/*")); got != 10 {
		t.Errorf("there are %d types of audio", got)
	}
}

// TestPieces holds that it does not matter how a body is cut into pieces, and
// that content which contains no delimiter is never taken for one.
func TestPieces(t *testing.T) {
	rapid.Check(t, func(t *rapid.T) {
		content := rapid.StringOf(rapid.SampledFrom([]rune("\r\n-Xxa"))).Draw(t, "content")
		if strings.Contains("\r\n"+content+"\r\n", "\r\n--XxX") {
			return
		}
		f, _ := NewForm(contentType, everything)
		for rest := []byte(fileOf("a.txt", "text/plain", content)); len(rest) > 0; {
			n := rapid.IntRange(1, len(rest)).Draw(t, "piece")
			if err := f.Write(rest[:n]); err != nil {
				t.Fatalf("%q: %v", content, err)
			}
			rest = rest[n:]
		}
		if err := f.End(); err != nil {
			t.Fatal(err)
		}
	})
}

// FuzzForm holds that another parser finds in every accepted body the files
// that were judged here, and no others.
func FuzzForm(f *testing.F) {
	f.Add(fileOf("a.png", "image/png", png))
	f.Add(part(`Content-Disposition: form-data; name="a"`, "b") + fileOf("a.txt", "text/plain", "hello\r\n--Xx"))
	f.Add("--XxX--")
	f.Fuzz(func(t *testing.T, body string) {
		whole := verdict(t, body, 1<<20)
		if single := verdict(t, body, 1); single != whole {
			t.Fatalf("%q: %s at once, %s byte by byte", body, whole, single)
		}
		if whole != "ok" {
			return
		}
		r := multipart.NewReader(strings.NewReader(body), "XxX")
		for {
			p, err := r.NextRawPart()
			if err == io.EOF {
				return
			}
			if err != nil {
				t.Fatalf("%q: another parser says %v", body, err)
			}
			content, err := io.ReadAll(p)
			if err != nil {
				t.Fatalf("%q: another parser says %v", body, err)
			}
			if p.FileName() == "" {
				continue
			}
			media, _, _ := strings.Cut(p.Header.Get("Content-Type"), ";")
			if media == "" {
				media = "text/plain"
			}
			media = strings.ToLower(strings.TrimSpace(media))
			if err := everything.check(file{p.FileName(), media}, content[:min(len(content), firstBytes)]); err != nil {
				t.Fatalf("%q: the file %q was let pass: %v", body, p.FileName(), err)
			}
		}
	})
}

func BenchmarkForm(b *testing.B) {
	body := []byte(fileOf("a.png", "image/png", png+string(bytes.Repeat([]byte("no text at all \r\n"), 1<<16))))
	b.SetBytes(int64(len(body)))
	for b.Loop() {
		f, _ := NewForm(contentType, everything)
		for rest := body; len(rest) > 0; {
			n := min(32<<10, len(rest))
			if err := f.Write(rest[:n]); err != nil {
				b.Fatal(err)
			}
			rest = rest[n:]
		}
	}
}
