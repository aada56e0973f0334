package window

import "time"

// Charge is one tier that a request is to be counted in.
type Charge struct {
	// Tier, Client and Plan say what is counted for whom, against which limits.
	// The plan matters only to tiers that name it.
	Tier   *Tier
	Client Client
	Plan   string

	// Standing is filled in by the decision.
	Standing Standing

	receipt receipt
}

// Standing is where a client stands in a tier. Of several limits it shows the
// one that refuses longest, else the one with the least remaining.
type Standing struct {
	Limit     int           // requests per window
	Window    time.Duration // its length
	Remaining int           // requests that would be admitted now
	// Reset is the time until all that is counted now is forgotten; 0 if nothing is.
	Reset time.Duration
	// RetryAfter is the time after which a request is admitted by this tier if no
	// other comes before it: then and not earlier. 0 if one would be admitted now.
	RetryAfter time.Duration
	// Exceeded says that the tier had no room for this request. In a shadow tier
	// that refuses nothing.
	Exceeded bool
	// Shared says that the client has no counters of its own because the table is
	// or was full: the numbers are those of its network's shared cell.
	Shared bool
}

// Verdict is the decision about a request.
type Verdict struct {
	Admitted bool
	// Refusal is the charge that refuses longest, by its index; -1 if none does.
	// Its Standing.RetryAfter is true for the whole request.
	Refusal int
}
