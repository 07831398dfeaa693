//go:build mutant_trim_too_early

package memory

// A deliberate bug: the stream is cut at the highest acknowledgement.
const mutant = "trim_too_early"
