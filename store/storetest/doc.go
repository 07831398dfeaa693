// Package storetest is the contract of the live ledger: what every store must
// answer, written once and run against memory, a simulated Redis, Valkey and
// Redis. Tests isolate themselves by organisation, so a store may be shared.
package storetest
