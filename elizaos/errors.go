package elizaos

import (
	"net/http"

	"github.com/gatehouse-dev/caddy-gatehouse/gate"
)

// misjudged are errors that the server answers with 500, since its one error
// handler knows no other status: those of Express' body parser, of multer, and
// of handlers that take a body for granted.
var misjudged = []gate.Misjudged{
	{Message: "request entity too large", Status: http.StatusRequestEntityTooLarge, Code: "PAYLOAD_TOO_LARGE"},
	{Message: "file too large", Status: http.StatusRequestEntityTooLarge, Code: "PAYLOAD_TOO_LARGE"},
	{Message: "field value too long", Status: http.StatusRequestEntityTooLarge, Code: "PAYLOAD_TOO_LARGE"},
	{Message: "unsupported charset", Status: http.StatusUnsupportedMediaType, Code: "UNSUPPORTED_MEDIA_TYPE"},
	{Message: "unsupported content encoding", Status: http.StatusUnsupportedMediaType, Code: "UNSUPPORTED_CONTENT_ENCODING"},
	{Message: "in json at position", Status: http.StatusBadRequest, Code: "INVALID_JSON"},
	{Message: "is not valid json", Status: http.StatusBadRequest, Code: "INVALID_JSON"},
	{Message: "unexpected end of json input", Status: http.StatusBadRequest, Code: "INVALID_JSON"},
	{Message: "json parse error", Status: http.StatusBadRequest, Code: "INVALID_JSON"},
	{Message: "cannot destructure property", Status: http.StatusBadRequest, Code: "INVALID_REQUEST"},
	{Message: "request size did not match content length", Status: http.StatusBadRequest, Code: "INVALID_REQUEST"},
	{Message: "request aborted", Status: http.StatusBadRequest, Code: "INVALID_REQUEST"},
	{Message: "invalid file type", Status: http.StatusBadRequest, Code: "INVALID_FILE_TYPE"},
	{Message: "invalid audio file type", Status: http.StatusBadRequest, Code: "INVALID_FILE_TYPE"},
	{Message: "too many files", Status: http.StatusBadRequest, Code: "INVALID_REQUEST"},
	{Message: "too many parts", Status: http.StatusBadRequest, Code: "INVALID_REQUEST"},
	{Message: "unexpected field", Status: http.StatusBadRequest, Code: "INVALID_REQUEST"},
	{Message: "unexpected end of form", Status: http.StatusBadRequest, Code: "INVALID_MULTIPART"},
	{Message: "malformed part header", Status: http.StatusBadRequest, Code: "INVALID_MULTIPART"},
	{Message: "boundary not found", Status: http.StatusBadRequest, Code: "INVALID_MULTIPART"},
}
