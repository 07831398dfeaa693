//go:build mutant_unknown_void_dropped

package extproc

// A deliberate bug: the spool drops a void of unknown fate before it is recorded.
const mutant = "unknown_void_dropped"
