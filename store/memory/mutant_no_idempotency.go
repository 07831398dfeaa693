//go:build mutant_no_idempotency

package memory

// A deliberate bug: a reservation that comes again is made again.
const mutant = "no_idempotency"
