package keys

import _ "embed"

//go:generate cp keys.schema.json ../../docs/keys.schema.json

// Schema is the JSON Schema (draft 2020-12) of the key file, as it is published in docs/keys.schema.json.
//
//go:embed keys.schema.json
var Schema []byte
