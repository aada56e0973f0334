// Package window counts requests in sliding windows: exactly enough to promise
// an upper bound for every interleaving, and in little enough memory to keep a
// million clients.
//
// # How a window is counted
//
// A window of length W is cut into 64 slices of b = W/64, and a counter keeps
// the last 65 of them: the slice in progress and 64 whole ones. A request at
// time e falls into slice k = e/b and is forgotten at (k+65)b. Since
// kb <= e < (k+1)b, that is later than e+W and at most b after it. So
//
//   - in no window of length W, closed at both ends, more than the limit is
//     admitted: whatever happened less than or exactly W ago is still counted;
//   - nobody waits more than 1/64 of the window longer than an exact log of the
//     same requests would make him wait;
//   - the moment at which the oldest slice is forgotten is known to the
//     nanosecond, and so are Remaining, Reset and RetryAfter.
//
// 64 slices would not do: the current one is only partly over.
//
// # What is kept
//
// A [Table] holds clients, a client holds one counter for each window of each
// [Tier] that it has used. A counter that has seen at most eight slices takes 64
// bytes, any other 176, or 304 once a single slice has counted more than 65,535
// requests; the limit itself makes no difference. Nothing of it holds a pointer,
// so the garbage collector does not look at it.
//
// The number of clients is bounded ([Options.MaxClients]), and only clients with
// nothing left in any window make room for others. While the table is full a
// newcomer is counted in the cell of its network (IPv4 /24, IPv6 /48), together
// with the other newcomers of that network, and stays there until that cell is
// empty: a flood of addresses can neither forget a client that is over its limit
// nor win a fresh count by coming back. Authenticated callers have reserved
// places ([Client.Key]).
//
// # Time
//
// Time never goes backwards here. The default clock is the system's monotonic
// one, so that a step of the wall clock changes nothing; of a clock that is
// given only the steps forward are believed.
package window
