package ratelimit

// SlotsInUse is the number of slots that are taken in this process.
func SlotsInUse() (n int) {
	pool.Range(func(_, value any) bool {
		n += value.(*counters).slots.used()
		return true
	})
	return n
}
