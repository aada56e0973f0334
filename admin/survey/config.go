package survey

import (
	"cmp"
	"encoding/json"
	"maps"
	"slices"
	"strings"

	"github.com/gatehouse-dev/caddy-gatehouse/admin/doctor"
	"github.com/gatehouse-dev/caddy-gatehouse/events"
)

// config is what counts here of Caddy's configuration.
type config struct {
	Admin struct {
		Remote *struct {
			Listen string `json:"listen"`
		} `json:"remote"`
	} `json:"admin"`
	Logging struct {
		Logs map[string]logConfig `json:"logs"`
	} `json:"logging"`
	Apps struct {
		HTTP struct {
			HTTPPort int `json:"http_port"`
			Servers  map[string]struct {
				TrustedProxies       json.RawMessage `json:"trusted_proxies"`
				TrustedProxiesStrict int             `json:"trusted_proxies_strict"`
			} `json:"servers"`
		} `json:"http"`
	} `json:"apps"`
}

// logConfig is a log of Caddy's.
type logConfig struct {
	Writer struct {
		Output   string `json:"output"`
		Filename string `json:"filename"`
		Address  string `json:"address"`
	} `json:"writer"`
	Level   string   `json:"level"`
	Include []string `json:"include"`
	Exclude []string `json:"exclude"`
}

// lenient says that a server trusts proxies and takes the first address that
// they name.
func (c config) lenient(server string) bool {
	s := c.Apps.HTTP.Servers[server]
	return len(s.TrustedProxies) > 0 && string(s.TrustedProxies) != "null" && s.TrustedProxiesStrict == 0
}

func (c config) httpPort() int {
	return cmp.Or(c.Apps.HTTP.HTTPPort, 80)
}

// logs are those that take security events.
func (c config) logs() []doctor.Log {
	all := maps.Clone(c.Logging.Logs)
	if all == nil {
		all = make(map[string]logConfig)
	}
	if _, configured := all["default"]; !configured {
		all["default"] = logConfig{} // Caddy has it in any case
	}
	var logs []doctor.Log
	for _, name := range slices.Sorted(maps.Keys(all)) {
		l := all[name]
		if !l.takes(events.Logger) {
			continue
		}
		log := doctor.Log{
			Name: name, Own: len(l.Include) > 0, Discards: l.Writer.Output == "discard",
			Level: strings.ToUpper(l.Level), File: l.Writer.Filename, Output: cmp.Or(l.Writer.Output, "stderr"),
		}
		if detail := cmp.Or(l.Writer.Filename, l.Writer.Address); detail != "" {
			log.Output += " " + detail
		}
		logs = append(logs, log)
	}
	return logs
}

// takes reports whether the log takes what a logger writes: of the names that
// include or exclude it, the longest decides, as in Caddy.
func (l logConfig) takes(logger string) bool {
	longest := func(names []string) int {
		n := -1
		for _, name := range names {
			if logger == name || strings.HasPrefix(logger, name+".") {
				n = max(n, len(name))
			}
		}
		return n
	}
	included, excluded := longest(l.Include), longest(l.Exclude)
	if len(l.Include) > 0 && included < 0 {
		return false
	}
	return excluded < 0 || included > excluded
}
