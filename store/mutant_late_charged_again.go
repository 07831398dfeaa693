//go:build mutant_late_charged_again

package store

// A deliberate bug: a settlement after the expiry is charged in full.
const mutant = "late_charged_again"
