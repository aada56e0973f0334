package detect

// work counts the bytes and tokens that the rules visit, where a test has asked for it: the growth of the work is held by counting,
// since clocks on busy machines prove nothing. Nil outside of tests.
var work *int

// step adds n visits to the count.
func step(n int) {
	if work != nil {
		*work += n
	}
}
