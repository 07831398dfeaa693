//go:build mutant_no_sync

package spool

// A deliberate bug: an entry counts as durable before it is synced.
const mutant = "no_sync"
