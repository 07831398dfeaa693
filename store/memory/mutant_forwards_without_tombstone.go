//go:build mutant_forwards_without_tombstone

package memory

// A deliberate bug: a settlement that goes to the record alone leaves nothing.
const mutant = "forwards_without_tombstone"
