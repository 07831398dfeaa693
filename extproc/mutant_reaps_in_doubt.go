//go:build mutant_reaps_in_doubt

package extproc

// A deliberate bug: holds expire in a ledger that was replaced and not compared with the record.
const mutant = "reaps_in_doubt"
