package doctor

import (
	"path"
	"slices"
	"strings"
	"time"
)

const (
	oldBackup     = 7 * day
	uselessBackup = 31 * day
)

// checkBackup is item 10: "Implement backup and recovery procedures".
func checkBackup(d *Deployment, r *Result) {
	const remedy = "make one (docs/backup.md), by a timer, and tell the doctor where it lies: `gatehouse doctor --backup <file or folder>`"
	b := d.Backup
	switch {
	case b == nil:
		r.warn(remedy, "nobody said where the backup lies")
		return
	case b.Problem != "":
		r.fail(remedy, "there is no backup in %s: %s", b.Where, b.Problem)
		return
	case b.Size == 0:
		r.fail(remedy, "%s is empty", b.Path)
		return
	}
	age := d.Now.Sub(b.Changed)
	switch {
	case age > uselessBackup:
		r.fail(remedy, "the newest backup, %s, is %s old", b.Path, days(age))
	case age > oldBackup:
		r.warn(remedy, "the newest backup, %s, is %s old", b.Path, days(age))
	default:
		r.ok("%s is %s old, of %s", b.Path, days(age), b.Changed.UTC().Format(time.DateOnly))
	}
	if b.Encrypted {
		return
	}
	if b.Readable {
		r.fail("chmod 0600 "+b.Path+", and encrypt it", "%s holds private keys, and every user of this machine can read it", b.Path)
	}
	if b.Names == nil {
		return
	}
	if lacks := b.lacks(d); len(lacks) > 0 {
		r.fail("name their folders in the command that makes the backup: /etc/gatehouse and /var/lib/gatehouse", "%s lacks %s", b.Path, strings.Join(lacks, ", "))
	}
	r.warn("encrypt it for a key that lies elsewhere (docs/backup.md)", "%s is not encrypted, and holds private keys", b.Path)
}

// lacks are the files that a restored gate needs and the backup does not have.
func (b *Backup) lacks(d *Deployment) []string {
	var needed, lacks []string
	if d.KeyFile != nil {
		needed = append(needed, d.KeyFile.Path)
	}
	for _, file := range d.EnvFiles {
		needed = append(needed, file.Path)
	}
	for _, name := range needed {
		if !slices.ContainsFunc(b.Names, func(have string) bool { return path.Base(have) == path.Base(name) }) {
			lacks = append(lacks, name)
		}
	}
	return lacks
}
