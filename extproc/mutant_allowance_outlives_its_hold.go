//go:build mutant_allowance_outlives_its_hold

package extproc

// A deliberate bug: an allowance is spent from although it may have been reaped.
const mutant = "allowance_outlives_its_hold"
