package alfred

import (
	"strings"
	"time"
)

// Epoch says whether a live ledger may be believed: which building of it from
// the record stands, and on which server it was built. A ledger without one
// grants nothing, because it does not know what was spent before it.
type Epoch struct {
	Built   bool      // false: empty, or being built
	Number  int64     // grows with every building
	BuiltAt time.Time // by the store's clock; zero: there was nothing before it
	Lineage string    // of the server that it was built on, "" when that is not known; while it is built, a token of the building
	Server  string    // of the server that answered; "" when that is not known
	Now     time.Time // the store's clock
	Serial  int64     // of corrections; never falls on one ledger
	Mark    string    // as it is stored: changes with every correction, so that none is applied twice
}

// Current says whether the epoch was built on the server that answered. One
// that was not may be older than what it has acknowledged: the server was
// restarted, or replaced by one that was behind.
func (e Epoch) Current() bool {
	return e.Built && (e.Lineage == "" || e.Server == "" || e.Lineage == e.Server)
}

// Run is the run of the server that answered, "" when that is not known. A
// server that was restarted is another run; one that only begins another
// history of replication is not.
func (e Epoch) Run() string {
	run, _, _ := strings.Cut(e.Server, ".")
	return run
}

// Continues says whether e is the same building as before, as it was or after
// further corrections, and not one of a ledger that was emptied or came back
// older meanwhile.
func (e Epoch) Continues(before Epoch) bool {
	return e.Mark != "" && e.Built == before.Built && e.Number == before.Number && e.BuiltAt.Equal(before.BuiltAt) &&
		e.Lineage == before.Lineage && e.Serial >= before.Serial
}

// BuildMargin is how long after a building a charge without a record of its
// hold may be one that was known before it: the skew of the clocks that stamp
// settlements. Such a charge goes to the record, which knows, and comes back
// onto the counters from there.
const BuildMargin = 5 * time.Minute

// Survey is what a live ledger says of some counters at one instant.
type Survey struct {
	Epoch    Epoch
	Last     string // the last entry of the usage stream, "" when it is empty
	Balances []Balance
	Taken    map[MoveID]Credits // of the moves that were asked for: what stands on their counters
	Open     int64              // holds that have not ended
	Holds    []HoldRecord       // all of them, or none when there are more than was asked for
}

// CounterTotal is what the record has of one counter.
type CounterTotal struct {
	Settled Credits // by what was spent
	Outflow Credits // moved away
}

// CounterChange corrects one counter.
type CounterChange struct {
	Counter                     Counter // its window's end may be unknown where the counter exists
	Committed, Settled, Outflow Credits // what is added
}

// HoldEnd is how the record says that a hold has ended.
type HoldEnd struct {
	Kind EventKind // EventSettle, EventVoid or EventExpired
	Cost Credits
}
