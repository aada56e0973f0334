package keys

import "encoding/json"

// The fields of the key file, in the order in which they are written. docs/keys.schema.json says the same; a test holds
// the two together.
const (
	fileFields   = "$schema, version, pepper_check, keys"
	keyFields    = "id, scopes, agents, plan, from, sites, entity, expires, revoked, secrets"
	secretFields = "id, hash, created, not_after, last_used, revoked, request"
)

func (d *decoder) document() *Document {
	doc := &Document{}
	var version, keys bool
	d.object(fileFields, func(name string) bool {
		switch name {
		case "$schema":
			var ignored string
			d.string(&ignored)
		case "version":
			version = true
			if token := d.next(); token != json.Number("1") {
				d.complain("this must be %d, the version of the format that this gate reads", Version)
				d.skip(token)
			}
		case "pepper_check":
			d.pepperCheck(&doc.PepperCheck)
		case "keys":
			keys = true
			d.list(func() { doc.Keys = append(doc.Keys, d.key()) })
		default:
			return false
		}
		return true
	})
	if !version {
		d.complain(`the field "version" is missing; it is %d`, Version)
	}
	if !keys {
		d.complain(`the field "keys" is missing; an empty list is []`)
	}
	return doc
}

func (d *decoder) key() Key {
	var k Key
	d.object(keyFields, func(name string) bool {
		switch name {
		case "id":
			d.string(&k.ID)
		case "scopes":
			d.strings(&k.Scopes)
		case "agents":
			d.strings(&k.Agents)
		case "plan":
			d.nonEmpty(&k.Plan)
		case "from":
			d.networks(&k.From)
		case "sites":
			d.strings(&k.Sites)
		case "entity":
			d.nonEmpty(&k.Entity)
		case "expires":
			d.time(&k.Expires)
		case "revoked":
			d.time(&k.Revoked)
		case "secrets":
			d.list(func() { k.Secrets = append(k.Secrets, d.secret()) })
		default:
			return false
		}
		return true
	})
	return k
}

func (d *decoder) secret() Secret {
	var s Secret
	d.object(secretFields, func(name string) bool {
		switch name {
		case "id":
			d.string(&s.ID)
		case "hash":
			d.hash(&s.Hash, &s.Peppered)
		case "created":
			d.time(&s.Created)
		case "not_after":
			d.time(&s.NotAfter)
		case "last_used":
			d.time(&s.LastUsed)
		case "revoked":
			d.time(&s.Revoked)
		case "request":
			d.hash(&s.Request, nil)
		default:
			return false
		}
		return true
	})
	return s
}
