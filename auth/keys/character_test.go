package keys

import (
	"encoding/json"
	"fmt"
	"os"
	"path/filepath"
	"strings"
	"testing"

	"github.com/stretchr/testify/require"
)

// The ids on the right were made by stringToUuid of @elizaos/core 1.7.2; the server's own answer is compared in e2e.
func TestAgentIDIsThatOfElizaOS(t *testing.T) {
	for name, id := range map[string]string{
		"Eliza":        "b850bc30-45f8-0041-a00a-83df46d8555d",
		"MyAgent":      "b88d661a-1254-0efc-a2a6-0edd6905287b",
		"eliza":        "f43a79df-d424-05a8-a56f-99967c2caaf6",
		"Ada Lovelace": "3f5ac76d-9ae6-01d4-b7ab-ec1818629c85",
		"日本語":          "783fc0ab-b904-0759-a125-627bcd50aed7",
		"naïve café":   "17bba417-c584-081a-92f7-5508dd2e1352",
		"a+b/c=d?e&f":  "17bb9971-ad7d-0cd6-941e-cc6434a03939",
		"-_.!~*'()":    "5d7fefa5-2f91-0fb1-b734-f27d1226ba15",
		"😀 bot":        "dc5489c7-befc-0c3d-a888-85884a1365cc",
		"  spaced  ":   "37b964ca-3a50-0361-a2c9-99715eb69177",
		"100%":         "c35a02a1-4edf-05e2-a3a6-7491f7e5fda6",
		"\"quoted\"\n": "5a5ddf71-bcc4-009c-b61f-5d45c1469c91",
		// A name that is a UUID is the id. The gate compares ids without regard to case.
		"B850BC30-45F8-0041-A00A-83DF46D8555D": "b850bc30-45f8-0041-a00a-83df46d8555d",
	} {
		require.Equal(t, id, AgentID(name), name)
	}
}

const characterSecret = "q6BdRzpMqkPCtl5KsQbzZp4H+f/l0S3KXvGHJHDKk0E="

func character(fields string) []byte {
	return []byte(`{` + fields + `, "bio": "x", "settings": {"model": 1, "secrets": {"OTHER": true, "API_KEY": "` + characterSecret + `"}}}`)
}

func TestParseCharacter(t *testing.T) {
	for name, c := range map[string]struct{ fields, agent string }{
		"by name":                 {`"name": "Eliza"`, "b850bc30-45f8-0041-a00a-83df46d8555d"},
		"by id":                   {`"name": "Eliza", "id": "17BBA417-c584-081a-92f7-5508dd2e1352"`, "17bba417-c584-081a-92f7-5508dd2e1352"},
		"Name is not name":        {`"name": "Eliza", "Name": "other"`, "b850bc30-45f8-0041-a00a-83df46d8555d"},
		"the last name counts":    {`"name": "other", "name": "Eliza"`, "b850bc30-45f8-0041-a00a-83df46d8555d"},
		"an escaped name":         {`"name": "\u65e5\u672c\u8a9e"`, "783fc0ab-b904-0759-a125-627bcd50aed7"},
		"a name above the BMP":    {`"name": "\ud83d\ude00 bot"`, "dc5489c7-befc-0c3d-a888-85884a1365cc"},
		"the name is not touched": {`"name": "  spaced  "`, "37b964ca-3a50-0361-a2c9-99715eb69177"},
	} {
		t.Run(name, func(t *testing.T) {
			k, ok, err := ParseCharacter(character(c.fields), []string{"read", "chat"})
			require.NoError(t, err)
			require.True(t, ok)
			require.Equal(t, "character-"+c.agent, k.ID)
			require.Equal(t, []string{c.agent}, k.Agents)
			r, err := NewRing([]Key{k}, nil)
			require.NoError(t, err)
			found, outcome := r.Find(characterSecret, noon)
			require.Equal(t, Found, outcome)
			require.True(t, found.Has("chat"))
			require.False(t, found.Has("admin"))
			require.True(t, found.AllowsAgent(c.agent))
			require.False(t, found.AllowsAgent(AgentID("another")))
		})
	}
}

func TestCharactersWithoutAKey(t *testing.T) {
	for _, text := range []string{
		`{"name": "Eliza"}`,
		`{"name": "Eliza", "settings": {}}`,
		`{"name": "Eliza", "settings": {"secrets": {}}}`,
		`{"name": "Eliza", "settings": {"secrets": {"API_KEY": ""}}}`,
		`{"name": "Eliza", "settings": {"secrets": {"api_key": "` + characterSecret + `"}}}`,
		`{"name": "Eliza", "Settings": {"secrets": {"API_KEY": "` + characterSecret + `"}}}`,
	} {
		_, ok, err := ParseCharacter([]byte(text), []string{"chat"})
		require.NoError(t, err, text)
		require.False(t, ok, text)
	}
}

func TestBrokenCharacters(t *testing.T) {
	sample := func(secret string) string {
		return fmt.Sprintf(`{"name": "Eliza", "settings": {"secrets": {"API_KEY": %s}}}`, secret)
	}
	for name, c := range map[string]struct{ text, want string }{
		"not JSON":         {`{`, "this is no character"},
		"a list":           {`[]`, "this is no character"},
		"null":             {`null`, "this is no character"},
		"not UTF-8":        {"{\"name\": \"\xff\"}", "this is no character"},
		"byte order mark":  {"\ufeff{}", "this is no character"},
		"settings":         {`{"name": "Eliza", "settings": []}`, "settings must be an object"},
		"secrets":          {`{"name": "Eliza", "settings": {"secrets": 1}}`, "settings.secrets must be an object"},
		"a number":         {sample(`12345678901234567890`), "API_KEY must be a text"},
		"null key":         {sample(`null`), "API_KEY must be a text"},
		"a sample":         {sample(`"your-secret-api-key"`), "settings.secrets.API_KEY: the key is a sample"},
		"short":            {sample(`"tooshort"`), "shorter than 16"},
		"bad id":           {string(character(`"name": "Eliza", "id": "eliza"`)), "id: the id of a character is a UUID"},
		"null id":          {string(character(`"name": "Eliza", "id": null`)), "id: the id of a character is a UUID"},
		"no name":          {string(character(`"username": "eliza"`)), "name: a character has an id or a name"},
		"empty name":       {string(character(`"name": ""`)), "name: a character has an id or a name"},
		"half a surrogate": {string(character(`"name": "\ud83d"`)), "give the character an id"},
	} {
		t.Run(name, func(t *testing.T) {
			_, ok, err := ParseCharacter([]byte(c.text), []string{"chat"})
			require.ErrorContains(t, err, c.want)
			require.False(t, ok)
		})
	}
}

func TestCharacterFiles(t *testing.T) {
	load := func(pattern string) ([]Key, error) {
		paths, err := characterPaths(pattern)
		if err != nil {
			return nil, err
		}
		return parseCharacters(readAll(paths), []string{"chat"})
	}
	dir := t.TempDir()
	put := func(name string, text []byte) {
		require.NoError(t, os.WriteFile(filepath.Join(dir, name), text, 0o600))
	}
	pattern := filepath.Join(dir, "*.json")
	_, err := load(pattern)
	require.ErrorContains(t, err, "there is no such file")
	require.ErrorContains(t, err, pattern)
	_, err = load(filepath.Join(dir, "["))
	require.ErrorContains(t, err, "this is no pattern")

	put("a.json", character(`"name": "Eliza"`))
	put("b.json", []byte(`{"name": "keyless"}`))
	put("c.txt", []byte(`no character`))
	keys, err := load(pattern)
	require.NoError(t, err)
	require.Len(t, keys, 1)

	put("d.json", []byte(`{`))
	put("e.json", []byte(`{"settings": 1}`))
	keys, err = load(pattern)
	require.ErrorContains(t, err, filepath.Join(dir, "d.json"))
	require.ErrorContains(t, err, filepath.Join(dir, "e.json"))
	require.Len(t, keys, 1)
}

func FuzzParseCharacter(f *testing.F) {
	f.Add(character(`"name": "Eliza"`))
	f.Add(character(`"id": "b850bc30-45f8-0041-a00a-83df46d8555d"`))
	f.Add([]byte(`{"settings": {"secrets": {"API_KEY": ""}}}`))
	f.Fuzz(func(t *testing.T, text []byte) {
		k, ok, err := ParseCharacter(text, []string{"chat"})
		if !ok {
			if k.ID != "" || len(k.Secrets) > 0 {
				t.Fatal("a key from no character")
			}
			return
		}
		if err != nil || len(k.Agents) != 1 || !isUUID(k.Agents[0]) {
			t.Fatalf("a key that is not limited to one agent: %v %v", k, err)
		}
		if _, err := NewRing([]Key{k}, nil); err != nil {
			t.Fatal(err)
		}
	})
}

func TestAgentIDOfAnyNameIsAUUID(t *testing.T) {
	for _, name := range []string{"", "\x00", strings.Repeat("x", 10000), "ü", "%"} {
		id := AgentID(name)
		require.True(t, isUUID(id))
		require.Equal(t, byte('0'), id[14])
		require.Contains(t, "89ab", string(id[19]))
		text, err := json.Marshal(name)
		require.NoError(t, err)
		if name != "" {
			k, _, err := ParseCharacter(character(`"name": `+string(text)), []string{"chat"})
			require.NoError(t, err)
			require.Equal(t, []string{id}, k.Agents)
		}
	}
}
