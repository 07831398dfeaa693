//go:build mutant_extend_revives

package memory

// A deliberate bug: a hold that has ended is open again when it is extended.
const mutant = "extend_revives"
