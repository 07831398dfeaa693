// Package ledgerwatch tells operators how the live ledger's servers are set,
// for both planes alike: a log line for each setting that is wrong, a metric,
// and a warning beside the readiness.
package ledgerwatch
