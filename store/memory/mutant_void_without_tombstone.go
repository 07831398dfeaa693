//go:build mutant_void_without_tombstone

package memory

// A deliberate bug: a void of a hold that is yet to come leaves nothing.
const mutant = "void_without_tombstone"
