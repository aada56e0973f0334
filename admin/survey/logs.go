package survey

import (
	"errors"
	"io/fs"
	"os"
	"path/filepath"
	"time"

	"github.com/gatehouse-dev/caddy-gatehouse/admin/doctor"
)

// sizes are how long the files of logs are.
func sizes(logs []doctor.Log) map[string]int64 {
	sizes := make(map[string]int64)
	for _, l := range logs {
		if info, err := os.Stat(l.File); err == nil {
			sizes[l.File] = info.Size()
		}
	}
	return sizes
}

// grown looks which files are longer now, or were begun anew, and waits a little
// for those that are not: what was refused just now has to stand there.
func grown(logs []doctor.Log, before map[string]int64) []doctor.Log {
	for deadline := time.Now().Add(3 * time.Second); ; time.Sleep(50 * time.Millisecond) {
		waiting := false
		for i := range logs {
			l := &logs[i]
			if l.File == "" || l.Grew {
				continue
			}
			info, err := os.Stat(l.File)
			switch {
			case !filepath.IsAbs(l.File):
				l.Unseen = "its path is relative to the folder in which the gate was started"
			case err != nil && !errors.Is(err, fs.ErrNotExist):
				l.Unseen = err.Error()
			case err == nil && info.Size() != before[l.File]:
				l.Grew = true
			default:
				waiting = true
			}
		}
		if !waiting || time.Now().After(deadline) {
			return logs
		}
	}
}
