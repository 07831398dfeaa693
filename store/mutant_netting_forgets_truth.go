//go:build mutant_netting_forgets_truth

package store

// A deliberate bug: an expiry is booked although the settlement is.
// Caught by TestAnExpiryAfterTheTruthAddsNothing.
const mutant = "netting_forgets_truth"
