//go:build !mutant_no_sync

package spool

// mutant names the deliberate bug that is built in: none. Each has a build tag
// of its own, and `make mutants` shows that every one is caught.
const mutant = ""
