//go:build mutant_drop_on_reply

package extproc

// A deliberate bug: the spool drops what the live store has taken.
const mutant = "drop_on_reply"
