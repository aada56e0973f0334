package doctor

// checkForwarded asks whether a client can choose the address that it is taken
// for, and so escape limits, IP lists and bans.
func checkForwarded(d *Deployment, r *Result) {
	const name = "name in trusted_proxies no more than what stands before the gate, and write trusted_proxies_strict beside it"
	for _, s := range d.guarded() {
		if s.TrustsAll {
			r.fail(name, "%s: trusted_proxies covers the whole world", s.Name)
			continue
		}
		if s.Lenient {
			r.fail("write trusted_proxies_strict beside trusted_proxies, in the global options, under servers",
				"%s: behind its trusted proxies the first address of a list counts, which every client can make up", s.Name)
		}
		believed := 0
		for _, b := range s.Believed {
			switch {
			case b.First && s.Lenient: // said above
			case b.First:
				believed++
				r.fail(name, "%s: an address that a request from %s made up in %s was believed", s.Name, b.From, b.Header)
			default:
				believed++
				r.warn("right if a proxy or a tunnel runs there; else take it out of trusted_proxies",
					"%s: requests from %s may say in %s whom they come from", s.Name, b.From, b.Header)
			}
		}
		switch {
		case s.Unreachable != "" || s.Refused == nil:
			r.warn("see the check certificate", "%s could not be asked", s.Name)
		case believed == 0 && !s.Lenient:
			r.ok("%s: made-up addresses are not believed", s.Name)
		}
	}
}
