//go:build mutant_ack_before_commit

package admin

// A deliberate bug: the stream is acknowledged before the record has it.
const mutant = "ack_before_commit"
