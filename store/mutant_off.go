//go:build !mutant_late_charged_again && !mutant_wrong_leg && !mutant_duplicate_releases && !mutant_netting_forgets_truth

package store

// mutant names the deliberate bug that is built in: none. Each has a build tag
// of its own, and `make mutants` shows that every one is caught.
const mutant = ""
