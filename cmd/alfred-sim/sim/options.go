package sim

import (
	"fmt"
	"slices"
	"strings"
	"time"
)

// Fault is a set of kinds of faults.
type Fault uint

const (
	FaultDrops     Fault = 1 << iota // requests that do not arrive
	FaultReplies                     // answers that do not come back
	FaultCopies                      // requests that arrive twice
	FaultDelays                      // requests that arrive late, and so out of order
	FaultCrash                       // processes that die
	FaultDisk                        // crashes in the middle of a write, full disks
	FaultPartition                   // processes that are cut off
	FaultOutage                      // a live store that is away
	FaultFailover                    // a live store that loses its last writes
	FaultRecord                      // a permanent record that is away
	FaultSkew                        // clocks that are wrong
	FaultWatch                       // announcements that are lost
	FaultEmpty                       // a live store that loses everything

	AllFaults = 1<<iota - 1
)

var faultNames = []string{"drops", "replies", "copies", "delays", "crash", "disk", "partition", "outage", "failover", "record", "skew", "watch", "empty"}

// String lists the kinds, separated by commas.
func (f Fault) String() string {
	var names []string
	for i, n := range faultNames {
		if f&(1<<i) != 0 {
			names = append(names, n)
		}
	}
	if len(names) == 0 {
		return "none"
	}
	return strings.Join(names, ",")
}

// ParseFaults reads what String writes; "all" is every kind.
func ParseFaults(list string) (Fault, error) {
	switch list {
	case "all":
		return AllFaults, nil
	case "none", "":
		return 0, nil
	}
	var f Fault
	for name := range strings.SplitSeq(list, ",") {
		i := slices.Index(faultNames, name)
		if i < 0 {
			return 0, fmt.Errorf("fault %q: expected all, none or some of %s", name, strings.Join(faultNames, ","))
		}
		f |= 1 << i
	}
	return f, nil
}

// Options are what a history follows from, entirely.
type Options struct {
	Seed   uint64
	Steps  int   // requests, faults and changes of limits
	Faults Fault // of these, every seed picks its own
	People int

	sabotage func(*world) // called after every step; for tests of the simulator
	rates    *rates       // in place of the seed's own weather
}

// Defaults are what a seed alone stands for.
func Defaults(seed uint64) Options {
	return Options{Seed: seed, Steps: 60, Faults: AllFaults, People: 4}
}

// Replay is the command that runs this history again.
func (o Options) Replay() string {
	d := Defaults(o.Seed)
	line := fmt.Sprintf("go run ./cmd/alfred-sim -seed %d -steps %d", o.Seed, o.Steps)
	if o.Faults != d.Faults {
		line += " -faults " + o.Faults.String()
	}
	if o.People != d.People {
		line += fmt.Sprintf(" -people %d", o.People)
	}
	return line
}

// rates are how likely a fault is at one call.
type rates struct {
	drop, reply, twice, delay, crash float64
	late                             time.Duration // the longest delay
}

// Failure is a broken promise.
type Failure struct {
	Invariant string
	Detail    string
	Step      int       // how many steps had begun
	At        time.Time // of the simulated clock
}

// Error tells it in one line.
func (f *Failure) Error() string {
	return fmt.Sprintf("%s (step %d, %s): %s", f.Invariant, f.Step, f.At.Format("15:04:05.000"), f.Detail)
}

// Report is what came of a history.
type Report struct {
	Failure   *Failure // nil: every promise was kept
	Trace     uint64   // a hash of everything that happened
	Requests  int
	Granted   int
	Settled   int // acknowledged to their client
	Deaths    int
	Failovers int
	High      int           // histories that ended with a counter above the record, within the bound of checkLive
	Local     int           // of those granted: from what was set aside, in an outage
	Moves     int           // of credits between people, told to be made
	Elapsed   time.Duration // of the simulated clock
}

// spoolLimit is small enough that a spool can fill up, which it should not.
const spoolLimit = 1 << 20
