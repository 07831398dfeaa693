//go:build mutant_reap_not_due

package memory

// A deliberate bug: holds are reaped before they are due.
const mutant = "reap_not_due"
