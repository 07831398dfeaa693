//go:build !mutant_ack_before_commit && !mutant_confirm_before_commit && !mutant_forget_before_publish && !mutant_ignores_lost_directory && !mutant_forgets_undone_moves && !mutant_undoes_what_was_booked

package admin

// mutant names the deliberate bug that is built in: none. Each has a build tag
// of its own, and `make mutants` shows that every one is caught.
const mutant = ""
