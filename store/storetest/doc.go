// Package storetest is the contract of the live ledger: what every store must
// answer, written once and run against memory, a simulated Redis, Valkey and
// Redis. Tests isolate themselves by organisation, so a store may be shared.
//
// A store of your own is put through it by a test of a few lines:
//
//		func TestLedger(t *testing.T) {
//			storetest.RunLedger(t, func(t testing.TB) storetest.Ledger { return open(t) })
//		}
//
//	  - [RunLedger]: reserving, extending, ending, reaping, moving amounts away.
//	  - [RunStream]: the usage stream that the recorder reads.
//	  - [RunDirectory]: what the control plane publishes.
//	  - [RunTape]: random operations, the same on several stores at once, the
//	    first of which says what is right; store/memory is the reference.
//	  - [RunModel]: random operations against the rules alone, written down once
//	    more without a store.
//
// A store that also has Advance(time.Duration) is put through what needs hours
// to pass. docs/conformance.md is the page for who writes a store.
package storetest
