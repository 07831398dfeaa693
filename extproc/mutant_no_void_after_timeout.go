//go:build mutant_no_void_after_timeout

package extproc

// A deliberate bug: a reservation without an answer is left alone.
const mutant = "no_void_after_timeout"
