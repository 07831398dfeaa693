package sim

import (
	"bytes"
	"testing"
	"time"
)

// seeds of `make test`; `make sim SEEDS=10000` plays more.
const seeds = 300

// A history of every seed keeps every promise. One that does not is told by
// the command that plays it again, made as small as it can be.
func TestLedger19_Simulator(t *testing.T) {
	var total Report
	for seed := range uint64(seeds) {
		o := Defaults(seed + 1)
		report, err := Run(o, Memory(), nil)
		if err != nil {
			t.Fatal(err)
		}
		total.Add(report)
		if report.Failure != nil {
			small, why, err := Shrink(o, Memory())
			if err != nil {
				t.Fatal(err)
			}
			t.Fatalf("%v\nreplay: %s -v", why, small.Replay())
		}
	}
	// Histories in which nothing happens prove nothing.
	if total.Local < seeds/10 || total.Moves < seeds {
		t.Errorf("too little was spent in outages, or moved: %+v", total)
	}
	if total.Settled < 10*seeds || total.Deaths < seeds || total.Failovers < seeds || total.Granted == total.Requests {
		t.Errorf("too little has happened: %+v", total)
	}
	t.Logf("%d seeds: %+v", seeds, total)
}

// Three of ten calls arrive twice, three late and so out of order, and of three
// the answer is lost: every request is charged once, and all counters agree
// with the record.
func TestLedger03_Replay(t *testing.T) {
	for seed := range uint64(40) {
		o := Defaults(seed + 1)
		o.Faults = FaultCopies | FaultDelays | FaultReplies
		o.rates = &rates{reply: .3, twice: .3, delay: .3, late: 10 * time.Second}
		report, err := Run(o, Memory(), nil)
		if err != nil || report.Failure != nil {
			t.Fatalf("seed %d: %v, %v", o.Seed, report.Failure, err)
		}
		if report.Settled == 0 {
			t.Errorf("seed %d: nothing was settled", o.Seed)
		}
	}
}

// The same seed gives the same history, to the last message.
func TestSeedDecidesHistory(t *testing.T) {
	for _, seed := range []uint64{3, 17, 2024} {
		var traces [2]bytes.Buffer
		var hashes [2]uint64
		for i := range traces {
			report, err := Run(Defaults(seed), Memory(), &traces[i])
			if err != nil || report.Failure != nil {
				t.Fatal(err, report.Failure)
			}
			hashes[i] = report.Trace
		}
		if hashes[0] != hashes[1] || !bytes.Equal(traces[0].Bytes(), traces[1].Bytes()) {
			t.Errorf("seed %d: %x and %x", seed, hashes[0], hashes[1])
		}
		other, err := Run(Defaults(seed+1), Memory(), nil)
		if err != nil || other.Trace == hashes[0] {
			t.Errorf("seed %d and the next give one history, %v", seed, err)
		}
	}
}

// Faults are named as they are read.
func TestFaultsAreNamed(t *testing.T) {
	for f := Fault(0); f <= AllFaults; f += 37 {
		if again, err := ParseFaults(f.String()); err != nil || again != f {
			t.Errorf("%s is read as %s, %v", f, again, err)
		}
	}
	if _, err := ParseFaults("drops,rain"); err == nil {
		t.Error("rain is no fault")
	}
}

// A broken promise is made small, and the small history breaks one too.
func TestShrink(t *testing.T) {
	o := Defaults(5)
	o.sabotage = func(w *world) {
		if w.deaths > 0 && w.granted > 3 {
			w.broken("I0 for this test", "a death and four grants")
		}
	}
	small, why, err := Shrink(o, Memory())
	if err != nil || why == nil {
		t.Fatalf("nothing was broken: %v", err)
	}
	if small.Steps > 20 || small.Faults&FaultDelays != 0 {
		t.Errorf("not small: %s", small.Replay())
	}
	report, err := Run(small, Memory(), nil)
	if err != nil || report.Failure == nil {
		t.Errorf("the small history keeps every promise: %v", err)
	}
}

func BenchmarkHistory(b *testing.B) {
	for i := range b.N {
		if _, err := Run(Defaults(uint64(i)+1), Memory(), nil); err != nil {
			b.Fatal(err)
		}
	}
}
