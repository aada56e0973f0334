package window

import (
	"bytes"
	"crypto/sha256"
	"encoding/binary"
	"errors"
	"fmt"
	"math"
)

// A snapshot is
//
//	magic      "GHWINDOW" and the version, one byte
//	seed       16 bytes
//	time       nanoseconds since 1970, 8 bytes
//	tiers      how many; of each the length of its name, and the name
//	clients    of each its class + 1, its ID (16 bytes) and its counters
//	0
//	checksum   SHA-256 of all before it
//
// and the counters of a client are their number, and of each the tier's number,
// the window in milliseconds, the newest slice, and the slices that are not
// empty: how many, and of each how much older than the newest it is, oldest
// first, and its count. Numbers without a size are unsigned varints, fixed ones
// little-endian.
const (
	snapshotMagic   = "GHWINDOW"
	snapshotVersion = 1
)

// Save writes the table's state, and its secret seed, in a form that [Restore]
// reads. Every client is saved as it is at one moment, though not all at the same
// moment. Addresses of clients can be read from a snapshot.
func (t *Table) Save() []byte {
	b := append([]byte(snapshotMagic), snapshotVersion)
	b = append(b, t.seed[:]...)
	timeAt := len(b)
	b = append(b, make([]byte, 8)...)
	tiers := *t.tiers.Load()
	b = binary.AppendUvarint(b, uint64(len(tiers)))
	for _, tier := range tiers {
		b = binary.AppendUvarint(b, uint64(len(tier.name)))
		b = append(b, tier.name...)
	}
	for i := range t.shards {
		s := &t.shards[i]
		s.Lock()
		now := t.now()
		for slot := range s.index.refs {
			b = s.appendClient(b, slot, now, len(tiers))
		}
		s.done()
	}
	b = append(b, 0)
	// After the last client, so that nothing saved is younger.
	binary.LittleEndian.PutUint64(b[timeAt:], uint64(t.now()))
	sum := sha256.Sum256(b)
	return append(b, sum[:]...)
}

// appendClient writes a client that is not empty. Tiers that were defined while
// the snapshot is written are left out.
func (s *shard) appendClient(b []byte, slot int, now int64, tiers int) []byte {
	chain := s.index.refs[slot]
	if chain == 0 || s.empties(slot, now) <= now {
		return b
	}
	cells := 0
	for r := chain; r != 0; r = s.cell(r).next {
		if int(s.cell(r).tier) < tiers {
			cells++
		}
	}
	if cells == 0 {
		return b
	}
	first := s.cell(chain)
	b = append(b, byte(first.class)+1)
	b = binary.LittleEndian.AppendUint64(b, first.id.who)
	b = binary.LittleEndian.AppendUint64(b, first.id.where)
	b = binary.AppendUvarint(b, uint64(cells))
	for r := chain; r != 0; r = s.cell(r).next {
		if c := s.cell(r); int(c.tier) < tiers {
			b = s.appendCell(b, r, c)
		}
	}
	return b
}

func (s *store) appendCell(b []byte, r ref, c *cell) []byte {
	b = binary.AppendUvarint(b, uint64(c.tier))
	b = binary.AppendUvarint(b, uint64(c.ms))
	b = binary.AppendUvarint(b, uint64(c.head))
	filled := 0
	for at := range ring {
		if s.count(r, at) > 0 {
			filled++
		}
	}
	b = binary.AppendUvarint(b, uint64(filled))
	for age := min(c.head, perWindow); age >= 0; age-- {
		if n := s.count(r, position(c.head-age)); n > 0 {
			b = binary.AppendUvarint(b, uint64(age))
			b = binary.AppendUvarint(b, uint64(n))
		}
	}
	return b
}

// Restore makes a table with the state, and the seed, of a snapshot. Time goes on
// from when it was saved, or from now if that is later. If it holds more clients
// than there are places, all of them are held until they are empty. The numbers
// of its tiers are those with which they are defined again, by [Table.Tier].
//
// A snapshot that is damaged in any way is refused whole, with an error: then
// make a [New] table.
func Restore(o Options, snapshot []byte) (*Table, error) {
	d := decoder{rest: snapshot}
	t, err := d.table(o)
	if err != nil {
		return nil, fmt.Errorf("snapshot of the rate limits: %w", err)
	}
	return t, nil
}

// decoder reads a snapshot. After the first failure all reads are zero.
type decoder struct {
	rest []byte
	err  error
}

func (d *decoder) fail(format string, args ...any) {
	if d.err == nil {
		d.err = fmt.Errorf(format, args...)
		d.rest = nil
	}
}

func (d *decoder) bytes(n uint64) []byte {
	if n > uint64(len(d.rest)) {
		d.fail("ends too early")
		return nil
	}
	b := d.rest[:n]
	d.rest = d.rest[n:]
	return b
}

func (d *decoder) byte() byte {
	if b := d.bytes(1); b != nil {
		return b[0]
	}
	return 0
}

func (d *decoder) uint64() uint64 {
	if b := d.bytes(8); b != nil {
		return binary.LittleEndian.Uint64(b)
	}
	return 0
}

// number reads a varint that is not above a bound.
func (d *decoder) number(what string, most uint64) uint64 {
	n, size := binary.Uvarint(d.rest)
	if size <= 0 {
		d.fail("%s: no number", what)
		return 0
	}
	d.rest = d.rest[size:]
	if n > most {
		d.fail("%s: %d is more than %d", what, n, most)
		return 0
	}
	return n
}

func (d *decoder) table(o Options) (*Table, error) {
	if !bytes.HasPrefix(d.rest, []byte(snapshotMagic)) {
		return nil, errors.New("this is none")
	}
	if len(d.rest) < len(snapshotMagic)+1+sha256.Size {
		return nil, errors.New("ends too early")
	}
	body, sum := d.rest[:len(d.rest)-sha256.Size], d.rest[len(d.rest)-sha256.Size:]
	if v := body[len(snapshotMagic)]; v != snapshotVersion {
		return nil, fmt.Errorf("version %d, want %d", v, snapshotVersion)
	}
	if sha256.Sum256(body) != [sha256.Size]byte(sum) {
		return nil, errors.New("the checksum is wrong: it was damaged or cut short")
	}
	d.rest = body[len(snapshotMagic)+1:]

	var seed [16]byte
	copy(seed[:], d.bytes(16))
	saved := d.uint64()
	if saved > lastSaved {
		d.fail("time: %d is out of range", saved)
	}
	if d.err != nil {
		return nil, d.err
	}
	t, err := newTable(o, seed, int64(saved))
	if err != nil {
		return nil, err
	}
	d.tiers(t)
	for d.client(t, int64(saved)) {
	}
	if d.err == nil && len(d.rest) > 0 {
		d.fail("%d bytes too many", len(d.rest))
	}
	if d.err != nil {
		return nil, d.err
	}
	return t, nil
}

func (d *decoder) tiers(t *Table) {
	n := d.number("number of tiers", maxTiers)
	for i := range n {
		name := d.bytes(d.number("length of a name", math.MaxUint32))
		if d.err != nil {
			return
		}
		tier, err := t.named(string(name))
		if err != nil || uint64(tier.no) != i {
			d.fail("tier %q occurs twice", name)
			return
		}
	}
}

// client reads one client and reports whether there is another.
func (d *decoder) client(t *Table, saved int64) bool {
	mark := d.byte()
	if mark == 0 {
		return false
	}
	cl := class(mark - 1)
	id := ID{who: d.uint64(), where: d.uint64()}
	cells := d.number("number of counters", math.MaxUint32)
	tiers := uint64(len(*t.tiers.Load()))
	if cl > network || id.isCell() != (cl == network) || cells == 0 || tiers == 0 {
		d.fail("client %v: impossible", id)
		return false
	}
	hash := t.hash(id)
	s := &t.shards[shardOf(hash)]
	if s.find(id, hash) >= 0 {
		d.fail("client %v occurs twice", id)
	}
	var chain ref
	for link := &chain; cells > 0 && d.err == nil; cells-- {
		like := cell{
			id: id, class: cl,
			tier: uint16(d.number("tier", tiers-1)),
			ms:   uint32(d.number("window", math.MaxUint32)),
		}
		if like.ms == 0 {
			d.fail("client %v: a window of no length", id)
			break
		}
		for r := chain; r != 0; r = s.cell(r).next {
			if c := s.cell(r); c.tier == like.tier && c.ms == like.ms {
				d.fail("client %v: two counters for one window", id)
			}
		}
		head := int64(d.number("slice", uint64(like.slice(saved))))
		s.newCell(link, like, head*like.sliceLength())
		d.slices(&s.store, link)
		link = &s.cell(*link).next
	}
	if d.err != nil {
		return false
	}
	t.places.claim(cl)
	s.mayEmpty(s.empties(s.insert(chain, hash), saved))
	return true
}

// slices reads what one counter has counted.
func (d *decoder) slices(s *store, link *ref) {
	head := s.cell(*link).head
	oldest := uint64(min(head, perWindow))
	total := uint64(0)
	for n := d.number("number of slices", ring); n > 0 && d.err == nil; n-- {
		age := d.number("age of a slice", oldest)
		count := d.number("count", math.MaxUint32)
		if total += count; count == 0 || total > math.MaxUint32 || n-1 > age {
			d.fail("a slice that cannot be")
			return
		}
		oldest = max(age, 1) - 1
		s.add(link, head-int64(age), uint32(count))
	}
}
