package window

// place is where a charge is counted.
type place struct {
	shard  *shard
	id     ID // the client's, or its network's cell's
	hash   uint64
	slot   int // of the index, -1 while there is no such client
	policy *policy
	limits []limit
	class  class
	taken  bool // a place was taken for a client that is not there yet
	twin   bool // an earlier charge counts in the same counters
	room   bool
}

// typicalCharges is how many charges are decided without allocating.
const typicalCharges = 8

// Take decides about a request: if every tier that is not a shadow has room, it
// is counted in all of them, otherwise in none. A shadow tier without room does
// not count it. Each charge's Standing is filled in; a tier named twice for the
// same client counts once. The time is read while all the clients concerned are
// locked, so the order of decisions is that of their times.
//
// A charge that is to be undone once the outcome is known is taken first and
// given back with [Table.GiveBack], so that the limit holds in between.
func (t *Table) Take(charges []Charge) Verdict { return t.decide(charges, true) }

// Peek is what [Table.Take] would decide now, with the standings before it. It
// counts nothing.
func (t *Table) Peek(charges []Charge) Verdict { return t.decide(charges, false) }

func (t *Table) decide(charges []Charge, take bool) Verdict {
	var typical [typicalCharges]place
	places := typical[:0]
	if len(charges) > len(typical) {
		places = make([]place, 0, len(charges))
	}
	places = places[:len(charges)]

	var locked shardSet
	for i := range charges {
		p := &places[i]
		p.id, p.class = charges[i].Client.ID, stranger
		if charges[i].Client.Key {
			p.class = key
		}
		p.hash = t.hash(p.id)
		locked = locked.with(p.hash)
	}
	t.lock(locked)
	if !t.find(places) {
		t.unlock(locked)
		for i := range charges {
			locked = locked.with(t.hash(t.cell(charges[i].Client)))
			if take {
				t.makeRoom(places[i].class)
			}
		}
		t.lock(locked)
		t.settle(charges, places, take)
	}
	v := t.judge(charges, places, take)
	t.unlock(locked)
	return v
}

// find looks the clients up and reports whether all of them are there.
func (t *Table) find(places []place) bool {
	for i := range places {
		p := &places[i]
		p.shard = &t.shards[shardOf(p.hash)]
		if p.slot = p.shard.find(p.id, p.hash); p.slot < 0 {
			return false
		}
	}
	return true
}

// settle decides for each newcomer whether it gets counters of its own or is
// counted in its network's cell. The shards of both are locked.
func (t *Table) settle(charges []Charge, places []place, take bool) {
	now := t.now()
	for i := range places {
		p := &places[i]
		p.shard = &t.shards[shardOf(p.hash)]
		if p.slot = p.shard.find(p.id, p.hash); p.slot >= 0 {
			continue
		}
		if j := earlier(charges[:i], charges[i].Client.ID); j >= 0 {
			*p = places[j]
			p.taken = false
			continue
		}
		id := t.cell(charges[i].Client)
		hash := t.hash(id)
		s := &t.shards[shardOf(hash)]
		slot := s.find(id, hash)
		if slot < 0 || s.empties(slot, now) <= now {
			if !take {
				continue
			}
			if p.taken = t.places.take(p.class); p.taken {
				continue
			}
		}
		p.id, p.hash, p.shard, p.slot, p.class = id, hash, s, slot, network
		if slot < 0 && take && !cellTaken(places[:i], id) {
			p.taken = t.places.take(network)
		}
	}
}

func earlier(charges []Charge, id ID) int {
	for i := range charges {
		if charges[i].Client.ID == id {
			return i
		}
	}
	return -1
}

func cellTaken(places []place, id ID) bool {
	for i := range places {
		if places[i].id == id {
			return true
		}
	}
	return false
}

// judge decides with every client's shard locked.
func (t *Table) judge(charges []Charge, places []place, take bool) Verdict {
	now := t.now()
	v := Verdict{Admitted: true, Refusal: -1}
	for i := range places {
		p := &places[i]
		tier := charges[i].Tier
		p.twin = isTwin(charges, places, i)
		p.policy = tier.policy.Load()
		p.limits = p.policy.of(charges[i].Plan)
		p.room = p.shard.hasRoom(p, tier.no, now)
		if !p.room && !p.policy.shadow {
			v.Admitted = false
		}
	}
	take = take && v.Admitted
	moved := false // slots are not where they were
	for i := range places {
		p, c := &places[i], &charges[i]
		if moved || p.slot < 0 {
			p.slot = p.shard.find(p.id, p.hash)
		}
		c.receipt = receipt{}
		switch {
		case !take || !p.room || p.twin:
			if p.taken {
				t.places.give(p.class)
			}
		case p.slot < 0:
			p.slot = p.shard.enter(p, c.Tier.no, now)
			c.receipt = receipt{id: p.id, at: now, born: p.shard.resets, paid: true}
			moved = true
		default:
			born := p.shard.charge(p, c.Tier.no, now)
			c.receipt = receipt{id: p.id, at: now, born: born, paid: true}
		}
		if p.class == network {
			t.sharedUses.Add(1)
		}
		p.shard.standing(&c.Standing, p, c.Tier.no, now)
		if !p.room && !p.policy.shadow &&
			(v.Refusal < 0 || c.Standing.RetryAfter > charges[v.Refusal].Standing.RetryAfter) {
			v.Refusal = i
		}
	}
	return v
}

// isTwin reports whether an earlier charge counts in the same counters.
func isTwin(charges []Charge, places []place, i int) bool {
	for j := range i {
		if charges[j].Tier == charges[i].Tier && places[j].id == places[i].id {
			return true
		}
	}
	return false
}

// hasRoom brings the client's counters of the tier to the given time and to the
// windows that are wanted, and reports whether all have room for one more.
func (s *shard) hasRoom(p *place, tier uint16, now int64) bool {
	if p.slot < 0 {
		return true
	}
	for {
		room, all, found, stale := true, 0, 0, false
		for r := s.index.refs[p.slot]; r != 0; {
			c := s.cell(r)
			if c.tier == tier {
				all++
				if c.passed(now) {
					s.roll(r, c, c.slice(now))
				}
				if l := wanted(p.limits, c.ms); l != nil {
					found++
					room = room && c.sum < l.n
				} else if !p.policy.uses(c.ms) {
					stale = true
				}
			}
			r = c.next
		}
		if all == 0 || found == len(p.limits) && !stale {
			return room
		}
		s.align(p.slot, tier, p.policy, p.limits, now)
	}
}

func wanted(limits []limit, ms uint32) *limit {
	for i := range limits {
		if limits[i].ms == ms {
			return &limits[i]
		}
	}
	return nil
}

// charge counts a request in every counter that the client has in the tier:
// those of other plans' windows too, so that a client that changes its plan has
// its history with it. The counters are at the given time already.
func (s *shard) charge(p *place, tier uint16, now int64) (born uint8) {
	link, counted := &s.index.refs[p.slot], false
	for *link != 0 {
		if c := s.cell(*link); c.tier == tier {
			born, counted = c.born, true
			s.add(link, c.head, 1)
		}
		link = &s.cell(*link).next
	}
	if !counted {
		born = s.resets
		s.begin(link, p.id, p.class, p.limits, tier, now)
	}
	return born
}

// enter puts a client with one request into the shard.
func (s *shard) enter(p *place, tier uint16, now int64) int {
	var chain ref
	s.begin(&chain, p.id, p.class, p.limits, tier, now)
	slot := s.insert(chain, p.hash)
	s.mayEmpty(s.empties(slot, now))
	return slot
}

// begin adds the counters of a tier, with one request in each, to a chain.
func (s *shard) begin(link *ref, id ID, cl class, limits []limit, tier uint16, now int64) {
	for _, l := range limits {
		c := s.newCell(link, cell{id: id, class: cl, tier: tier, ms: l.ms, born: s.resets}, now)
		s.add(link, c.head, 1)
		link = &s.cell(*link).next
	}
}
