//go:build mutant_settle_before_spool

package extproc

// A deliberate bug: a settlement is written down only when it could not be sent.
const mutant = "settle_before_spool"
