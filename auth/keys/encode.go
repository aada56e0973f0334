package keys

import (
	"encoding/hex"
	"encoding/json"
	"net/netip"
	"time"
)

// SchemaURL is where the JSON Schema of the key file is published.
const SchemaURL = "https://github.com/gatehouse-dev/caddy-gatehouse/raw/main/docs/keys.schema.json"

// The shape of the file as it is written. It is read by the strict decoder instead, which names the place of a mistake.
type (
	fileForm struct {
		Schema      string    `json:"$schema"`
		Version     int       `json:"version"`
		PepperCheck string    `json:"pepper_check,omitempty"`
		Keys        []keyForm `json:"keys"`
	}
	keyForm struct {
		ID      string         `json:"id"`
		Scopes  []string       `json:"scopes"`
		Agents  []string       `json:"agents,omitempty"`
		Plan    string         `json:"plan,omitempty"`
		From    []netip.Prefix `json:"from,omitempty"`
		Sites   []string       `json:"sites,omitempty"`
		Entity  string         `json:"entity,omitempty"`
		Expires time.Time      `json:"expires,omitzero"`
		Revoked time.Time      `json:"revoked,omitzero"`
		Secrets []secretForm   `json:"secrets"`
	}
	secretForm struct {
		ID       string    `json:"id"`
		Hash     string    `json:"hash"`
		Created  time.Time `json:"created,omitzero"`
		NotAfter time.Time `json:"not_after,omitzero"`
		LastUsed time.Time `json:"last_used,omitzero"`
		Revoked  time.Time `json:"revoked,omitzero"`
		Request  string    `json:"request,omitempty"`
	}
)

// Encode returns the document as the text of a key file. It refuses one that could not be read back.
func (d *Document) Encode() ([]byte, error) {
	if err := d.check(); err != nil {
		return nil, err
	}
	form := fileForm{Schema: SchemaURL, Version: Version, PepperCheck: d.PepperCheck, Keys: make([]keyForm, len(d.Keys))}
	for i := range d.Keys {
		form.Keys[i] = d.Keys[i].form()
	}
	text, err := json.MarshalIndent(form, "", "  ")
	if err != nil {
		return nil, err
	}
	return append(text, '\n'), nil
}

func (k *Key) form() keyForm {
	form := keyForm{
		ID: k.ID, Scopes: k.Scopes, Agents: k.Agents, Plan: k.Plan, From: k.From, Sites: k.Sites, Entity: k.Entity,
		Expires: inFile(k.Expires), Revoked: inFile(k.Revoked), Secrets: make([]secretForm, len(k.Secrets)),
	}
	for j := range k.Secrets {
		s := &k.Secrets[j]
		form.Secrets[j] = secretForm{
			ID: s.ID, Hash: s.storedHash(), Created: inFile(s.Created), NotAfter: inFile(s.NotAfter),
			LastUsed: inFile(s.LastUsed), Revoked: inFile(s.Revoked),
		}
		if s.Request != (Hash{}) {
			form.Secrets[j].Request = s.Request.String()
		}
	}
	return form
}

func (s *Secret) storedHash() string {
	if s.Peppered {
		return PepperedPrefix + hex.EncodeToString(s.Hash[:])
	}
	return s.Hash.String()
}

// inFile is how times stand in the file: UTC, whole seconds, no monotonic clock.
func inFile(t time.Time) time.Time {
	return t.UTC().Truncate(time.Second)
}
