// Package memory is the live ledger in one process: the reference that says in
// plain Go what store/redis must answer. It loses everything at exit, so it is
// for tests and examples.
package memory
