//go:build mutant_netting_forgets_truth

package store

// A deliberate bug: an expiry is booked although the settlement is.
const mutant = "netting_forgets_truth"
