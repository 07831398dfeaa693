//go:build !mutant_no_idempotency && !mutant_reap_not_due && !mutant_void_without_tombstone && !mutant_extend_revives && !mutant_trim_too_early && !mutant_window_by_caller && !mutant_forwards_without_tombstone

package memory

// mutant names the deliberate bug that is built in: none. Each has a build tag
// of its own, and `make mutants` shows that every one is caught.
const mutant = ""
