package survey

import (
	"net/http"
	"os"
	"strings"

	"github.com/caddyserver/caddy/v2"
	"github.com/gatehouse-dev/caddy-gatehouse/admin/doctor"
)

// admin looks at the admin endpoint: the one that was asked, and whether one
// answers over TCP.
func (s *Survey) admin(c config) doctor.Admin {
	a := doctor.Admin{Address: s.Admin}
	if c.Admin.Remote != nil {
		a.Remote = c.Admin.Remote.Listen
		if a.Remote == "" {
			a.Remote = ":2021"
		}
	}
	places := s.TCPAdmin
	endpoint, err := caddy.ParseNetworkAddress(s.Admin)
	switch {
	case err != nil:
	case endpoint.IsUnixNetwork():
		a.Unix = true
		path, _, _ := strings.Cut(endpoint.Host, "|")
		a.Address = path
		a.Abstract = strings.HasPrefix(path, "@")
		if info, err := os.Stat(path); err == nil {
			a.Mode = uint32(info.Mode().Perm())
		}
	default:
		places = append([]string{endpoint.JoinHostPort(0)}, places...)
	}
	for _, place := range places {
		if answersAdmin(place) {
			a.Answered = append(a.Answered, place)
		}
	}
	return a
}

// answersAdmin reports whether Caddy's admin endpoint answers at an address.
func answersAdmin(address string) bool {
	a, err := request("tcp", address, "", "http://"+address+"/config/", http.Header{})
	return err == nil && a.Status == http.StatusOK && a.Header["Content-Type"] == "application/json"
}
