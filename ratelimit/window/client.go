package window

import (
	"encoding/binary"
	"encoding/hex"
	"fmt"
	"math/bits"
	"net/netip"
)

// ID is the identity under which a client is counted: 16 bytes, of which one
// half says who (a keyed hash of [Identity.By] and [Identity.Name]) and the
// other where (the address, if it belongs to the identity). IDs are comparable,
// and good for the one table that made them and the tables restored from it.
type ID struct{ who, where uint64 }

// String is the ID as 32 hexadecimal digits, the form that [ParseID] reads.
func (id ID) String() string {
	var b [16]byte
	binary.BigEndian.PutUint64(b[:8], id.who)
	binary.BigEndian.PutUint64(b[8:], id.where)
	return hex.EncodeToString(b[:])
}

// ParseID reads what [ID.String] wrote.
func ParseID(s string) (ID, error) {
	var b [16]byte
	if len(s) != 2*len(b) {
		return ID{}, fmt.Errorf("client id %q: want 32 hexadecimal digits, have %d characters", s, len(s))
	}
	if _, err := hex.Decode(b[:], []byte(s)); err != nil {
		return ID{}, fmt.Errorf("client id %q: %w", s, err)
	}
	return ID{who: binary.BigEndian.Uint64(b[:8]), where: binary.BigEndian.Uint64(b[8:])}, nil
}

// Addr is the address in the identity, as a prefix: an IPv4 address with 32
// bits, or the first 64 bits of an IPv6 address. It reports false for an
// identity without an address and for a network's shared cell.
func (id ID) Addr() (netip.Prefix, bool) {
	switch {
	case id.where == noAddress || id.isCell():
		return netip.Prefix{}, false
	case id.where>>32 == v4Mark:
		var b [4]byte
		binary.BigEndian.PutUint32(b[:], uint32(id.where))
		return netip.PrefixFrom(netip.AddrFrom4(b), 32), true
	}
	var b [16]byte
	if id.where != v6Zero {
		binary.BigEndian.PutUint64(b[:8], id.where)
	}
	return netip.PrefixFrom(netip.AddrFrom16(b), 64), true
}

// Who is the half of the identity that does not depend on the address: equal
// for all identities with the same [Identity.By] and [Identity.Name]. So a
// caller that knows its keys can tell which of them an identity belongs to.
func (id ID) Who() uint64 { return id.who }

// The halves of an address that are no IPv6 /64: ::ffff:0:0/32 and 0:0:0:1::/64
// are outside of what is assigned to anybody.
const (
	noAddress = 0
	v6Zero    = 1 // ::/64, where the loopback address is
	v4Mark    = 0xffff
)

// cellWho marks the identity of a network's shared cell; no client has it.
const cellWho = 0

// sharedCells is the number of cells that the strangers of all networks share,
// and again that the clients with keys share: a key whose place is reserved must
// not have to wait for the cell of a network from which a flood comes. It is no
// option: a snapshot's cells must mean the same networks when it is restored.
const sharedCells = 4096

func (id ID) isCell() bool { return id.who == cellWho }

// Identity is what makes one client different from another.
type Identity struct {
	// By is the kind of identity, such as "ip" or "key". It keeps a key from
	// being counted as an address that is spelled alike.
	By string
	// Name is the key's id or the placeholder's value; empty if the client is
	// known by its address alone.
	Name string
	// Addr is the client's address if it is part of the identity, else the zero
	// Addr. Of an IPv6 address, mask what is not to count (/64 is usual).
	Addr netip.Addr
}

// ID is the identity's ID in this table. It allocates nothing.
func (t *Table) ID(i Identity) ID {
	h := t.sip.begin()
	h.text(i.By)
	h.text(i.Name)
	var id ID
	switch a := i.Addr.Unmap(); {
	case a.Is4():
		b := a.As4()
		id.where = v4Mark<<32 | uint64(binary.BigEndian.Uint32(b[:]))
	case a.Is6():
		b := a.As16()
		id.where = binary.BigEndian.Uint64(b[:8])
		if id.where == 0 {
			id.where = v6Zero
		}
		// With a prefix of 64 bits or less this is nothing, and who stays the same
		// for all addresses.
		if low := binary.BigEndian.Uint64(b[8:]); low != 0 {
			h.word(low)
		}
	}
	id.who = h.sum()
	if id.who == cellWho {
		id.who = 1
	}
	return id
}

// Client is one caller in one request.
type Client struct {
	// ID is the identity, from [Table.ID].
	ID ID
	// From is the address that the request came from. It chooses the network's
	// cell that counts a newcomer while the table is full. The zero Addr means
	// the address in ID, if there is one.
	From netip.Addr
	// Key says that the caller has been authenticated, and may take one of the
	// places reserved for such.
	Key bool
}

// cell is the identity of the shared cell of the client's network. A client
// without any address has the cell of its name.
func (t *Table) cell(c Client) ID {
	h := t.sip.begin()
	addr := c.From.Unmap()
	if !addr.IsValid() {
		if p, ok := c.ID.Addr(); ok {
			addr = p.Addr()
		}
	}
	switch {
	case addr.Is4():
		b := addr.As4()
		h.word(4<<32 | uint64(binary.BigEndian.Uint32(b[:]))>>8)
	case addr.Is6():
		b := addr.As16()
		h.word(6<<56 | binary.BigEndian.Uint64(b[:8])>>16)
	default:
		h.word(c.ID.who)
	}
	number := 1 + h.sum()%sharedCells
	if c.Key {
		number += sharedCells
	}
	return ID{who: cellWho, where: number}
}

// hash spreads IDs over shards and index slots. IPv6 gives an attacker many
// addresses to choose from, hence the secret key.
func (t *Table) hash(id ID) uint64 {
	hi, lo := bits.Mul64(id.who^t.mix.k0, id.where^t.mix.k1)
	hi, lo = bits.Mul64(hi^lo^t.mix.k1, 0x9e3779b97f4a7c15)
	return hi ^ lo
}
