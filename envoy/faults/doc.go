// Package faults proves what the ledger promises while its parts are killed, stopped, cut off and filled up.
//
// Its tests run the shipped programs: alfred-extproc and alfred-admin as processes, a real Envoy before them, a real Valkey or
// Redis and a real Postgres behind them. People spend all the while; a fault is done to one part, as often as the story says; then
// the load ends, everything is let heal, and an audit reads every key and every row.
//
// `go test` does each fault a few times. ALFRED_FAULTS=full does it as often as docs/reliability.md tells, and prints its table;
// `make test-faults` is that. ALFRED_FAULTS_SEED repeats the choices of an earlier run, as far as scheduling lets it.
//
// Proxy, which stands between two parts and does wrong on purpose, is exported for other tests.
package faults
