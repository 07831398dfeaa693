//go:build mutant_ignores_failover

package extproc

// A deliberate bug: nothing is sent again to a live store that was replaced.
const mutant = "ignores_failover"
