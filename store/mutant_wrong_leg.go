//go:build mutant_wrong_leg

package store

// A deliberate bug: every leg is charged on the counters of the first.
const mutant = "wrong_leg"
