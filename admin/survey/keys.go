package survey

import (
	"slices"
	"strings"
	"time"

	"github.com/gatehouse-dev/caddy-gatehouse/admin/doctor"
	"github.com/gatehouse-dev/caddy-gatehouse/auth/keys"
	"github.com/gatehouse-dev/caddy-gatehouse/gate"
)

// keys adds the keys of the sites and of the key file.
func (s *Survey) keys(d *doctor.Deployment, portrait gate.Portrait) error {
	for _, site := range portrait.Sites {
		for _, k := range site.Keys {
			variable := variableOf(k.From, portrait)
			d.Keys = append(d.Keys, doctor.Key{
				ID: k.ID, Place: nameOf(site), Variable: variable, Bits: k.Bits,
				IsBackends: variable == "ELIZA_SERVER_AUTH_TOKEN", File: fileOf(variable, portrait),
				Unasked: unasked(k.Scopes, site.Scopes),
			})
		}
	}
	var file struct {
		File    string        `json:"file"`
		Problem string        `json:"problem"`
		Keys    []keys.Status `json:"keys"`
	}
	if !portrait.KeyFile {
		return nil
	}
	if err := s.Ask("/gatehouse/keys", &file); err != nil {
		return err
	}
	d.KeyFile = &doctor.KeyFile{Path: file.File, Problem: file.Problem}
	if err := keys.NewFile(file.File).CheckMode(); err != nil {
		d.KeyFile.Loose = err.Error()
	}
	for _, k := range file.Keys {
		var created time.Time
		for _, secret := range k.Secrets {
			// Old secrets that have an end are in a rotation already.
			if secret.State == keys.StateActive && secret.Created.After(created) {
				created = secret.Created
			}
		}
		if k.State == keys.StateActive {
			d.Keys = append(d.Keys, doctor.Key{ID: k.ID, Place: "key file", Created: created, Rotate: true, Unasked: unasked(k.Scopes, portrait.Scopes())})
		}
	}
	return nil
}

func unasked(held, asked []string) []string {
	var said []string
	for _, scope := range gate.UnaskedScopes(held, asked) {
		said = append(said, scope.String())
	}
	return said
}

// fileOf is the env file that a variable is from, if it is from one.
func fileOf(variable string, portrait gate.Portrait) (file doctor.File) {
	for _, f := range portrait.EnvFiles {
		if path := portrait.FromFiles[variable]; path != "" && f.Path == path {
			file = doctor.File{Path: f.Path, Changed: f.Changed}
		}
	}
	return file
}

// variableOf is the environment variable that a placeholder's value is from:
// in {env.A:{env.B}}, B where A is not set.
func variableOf(placeholder string, portrait gate.Portrait) string {
	inner, ok := strings.CutPrefix(strings.TrimSuffix(placeholder, "}"), "{env.")
	if !ok {
		return ""
	}
	name, fallback, _ := strings.Cut(inner, ":")
	if _, set := portrait.Environment[name]; !set && !slices.Contains(portrait.Secrets, name) && strings.HasPrefix(fallback, "{env.") {
		return variableOf(fallback, portrait)
	}
	return name
}
