package window

// receipt is what is needed to give a charge back.
type receipt struct {
	id   ID // of the client or cell that was charged
	at   int64
	born uint8 // of the counters that were charged
	paid bool
}

// GiveBack undoes one charge of a request that was admitted, and brings the
// charge's Standing up to date. It does nothing for a charge that was not
// counted or was given back already, whose client has been reset since, or that
// the window has forgotten.
func (t *Table) GiveBack(c *Charge) {
	if !c.receipt.paid {
		return
	}
	c.receipt.paid = false
	hash := t.hash(c.receipt.id)
	s := &t.shards[shardOf(hash)]
	s.Lock()
	defer s.done()
	slot := s.find(c.receipt.id, hash)
	if slot < 0 {
		return
	}
	now := t.now()
	for r := s.index.refs[slot]; r != 0; {
		counter := s.cell(r)
		if counter.tier == c.Tier.no && counter.born == c.receipt.born {
			s.advance(r, counter, now)
			s.takeBack(r, counter, counter.slice(c.receipt.at))
		}
		r = counter.next
	}
	s.mayEmpty(now)
	p := place{slot: slot, limits: c.Tier.policy.Load().of(c.Plan), room: true}
	if c.Standing.Shared {
		p.class = network
	}
	s.standing(&c.Standing, &p, c.Tier.no, now)
}
