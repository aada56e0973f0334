package elizaos

import "strings"

// The tiers of the preset, as the server's own limiters are mounted. Those of
// the server count everybody behind the gate as one client; these do not.
const (
	tierAPI     = "api"
	tierUpload  = "upload"
	tierFiles   = "file_system"
	tierChannel = "channel_validation"
	tierMedia   = "media"
)

// tiers are the tiers in which requests of the route count.
func (r route) tiers() []string {
	var tiers []string
	if strings.HasPrefix(r.path, "/api/") {
		tiers = append(tiers, tierAPI)
	}
	if r.scope == upload {
		tiers = append(tiers, tierUpload)
	}
	if r.scope == upload || strings.HasPrefix(r.path, "/api/audio/") {
		tiers = append(tiers, tierFiles)
	}
	if strings.HasPrefix(r.path, "/api/") && strings.Contains(r.path, "/:channel") {
		tiers = append(tiers, tierChannel)
	}
	if strings.HasPrefix(r.path, "/media/") {
		tiers = append(tiers, tierMedia)
	}
	return tiers
}
