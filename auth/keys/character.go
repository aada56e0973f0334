package keys

import (
	"crypto/sha1"
	"encoding/hex"
	"encoding/json"
	"errors"
	"fmt"
	"path/filepath"
	"strings"
	"unicode/utf8"
)

// ParseCharacter turns an ElizaOS character file into a key that is limited to that character's agent: the secret is
// settings.secrets.API_KEY, the id "character-" and the agent's id. The agent's id is the file's id or, as the server
// does it, made from its name. It returns false for a character without an API_KEY, or with an empty one. A weak key is
// refused (see Weak). Errors repeat nothing of the file.
func ParseCharacter(text []byte, scopes []string) (Key, bool, error) {
	// encoding/json matches the fields of structs without regard to case, the server does not: hence the maps.
	var character, settings, secrets map[string]json.RawMessage
	if !utf8.Valid(text) || json.Unmarshal(text, &character) != nil || character == nil {
		return Key{}, false, errors.New("this is no character: it must be a JSON object")
	}
	if raw, ok := character["settings"]; !ok || json.Unmarshal(raw, &settings) != nil {
		return Key{}, false, mistake(ok, "settings must be an object")
	}
	if raw, ok := settings["secrets"]; !ok || json.Unmarshal(raw, &secrets) != nil {
		return Key{}, false, mistake(ok, "settings.secrets must be an object")
	}
	var secret string
	if raw, ok := secrets["API_KEY"]; !ok || json.Unmarshal(raw, &secret) != nil || secret == "" {
		return Key{}, false, mistake(ok && secret == "" && string(raw) != `""`, `settings.secrets.API_KEY must be a text, "..."`)
	}
	agent, err := characterAgent(character)
	if err != nil {
		return Key{}, false, err
	}
	if err := Weak(secret); err != nil {
		return Key{}, false, fmt.Errorf("settings.secrets.API_KEY: %w", err)
	}
	return Key{
		ID:      "character-" + agent,
		Scopes:  scopes,
		Agents:  []string{agent},
		Secrets: []Secret{{ID: "1", Hash: HashSecret(secret)}},
	}, true, nil
}

func mistake(is bool, text string) error {
	if !is {
		return nil
	}
	return errors.New(text)
}

func characterAgent(character map[string]json.RawMessage) (string, error) {
	var id, name string
	if raw, ok := character["id"]; ok {
		if json.Unmarshal(raw, &id) != nil || !isUUID(id) {
			return "", errors.New("id: the id of a character is a UUID; the server refuses any other")
		}
		return strings.ToLower(id), nil
	}
	if raw, ok := character["name"]; !ok || json.Unmarshal(raw, &name) != nil || name == "" {
		return "", errors.New("name: a character has an id or a name")
	}
	if strings.ContainsRune(name, utf8.RuneError) {
		return "", errors.New("name: it has a character that is not Unicode text, so the agent's id cannot be told; give the character an id")
	}
	return AgentID(name), nil
}

// AgentID returns the id that ElizaOS gives to an agent by its name (stringToUuid in @elizaos/core): a name that is a
// UUID is the id; of any other, the first 16 bytes of the SHA-1 of its URI-encoded form, with version 0 and the variant
// of RFC 4122.
func AgentID(name string) string {
	if isUUID(name) {
		return strings.ToLower(name)
	}
	sum := sha1.Sum([]byte(encodeURIComponent(name)))
	id := sum[:16]
	id[6] &= 0x0f
	id[8] = id[8]&0x3f | 0x80
	digits := hex.EncodeToString(id)
	return strings.Join([]string{digits[:8], digits[8:12], digits[12:16], digits[16:20], digits[20:]}, "-")
}

// encodeURIComponent is JavaScript's: everything but letters, digits and - _ . ! ~ * ' ( ) is percent-encoded, as UTF-8.
func encodeURIComponent(s string) string {
	var b strings.Builder
	for i := range len(s) {
		if c := s[i]; isBase62(c) || strings.IndexByte("-_.!~*'()", c) >= 0 {
			b.WriteByte(c)
		} else {
			fmt.Fprintf(&b, "%%%02X", c)
		}
	}
	return b.String()
}

// characterPaths are the character files that a pattern of filepath.Glob matches. A pattern that matches no file is an error,
// since it is most likely mistyped.
func characterPaths(pattern string) ([]string, error) {
	paths, err := filepath.Glob(pattern)
	if err != nil {
		return nil, fmt.Errorf("characters %s: this is no pattern: %w", pattern, err)
	}
	if len(paths) == 0 {
		return nil, fmt.Errorf("characters %s: there is no such file", pattern)
	}
	return paths, nil
}

// parseCharacters reads the keys of character files. Characters without an API_KEY give none; each error names its file.
func parseCharacters(files []contents, scopes []string) ([]Key, error) {
	var keys []Key
	var errs []error
	for _, file := range files {
		if file.err != nil {
			errs = append(errs, fmt.Errorf("character file %s: %w", file.path, file.err))
			continue
		}
		k, ok, err := ParseCharacter(file.text, scopes)
		if err != nil {
			errs = append(errs, fmt.Errorf("character file %s: %w", file.path, err))
		} else if ok {
			keys = append(keys, k)
		}
	}
	return keys, errors.Join(errs...)
}
