//go:build mutant_confirm_before_commit

package admin

// A deliberate bug: the spool is told before the record has it.
const mutant = "confirm_before_commit"
