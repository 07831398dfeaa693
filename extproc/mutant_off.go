//go:build !mutant_settle_before_spool && !mutant_drop_on_reply && !mutant_unknown_void_dropped && !mutant_no_void_after_timeout && !mutant_ignores_failover && !mutant_never_reads_again && !mutant_reaps_in_doubt && !mutant_allowance_back_before_booked && !mutant_allowance_outlives_its_hold

package extproc

// mutant names the deliberate bug that is built in: none. Each has a build tag
// of its own, and `make mutants` shows that every one is caught.
const mutant = ""
