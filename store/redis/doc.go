// Package redis is the live ledger in Redis or Valkey: what is held and spent
// in open windows, the directory that the control plane publishes, and the
// stream of usage events.
//
// Every change of the ledger is one Lua script, so it happens whole or not at
// all, and every script is idempotent, because a client that lost a reply
// sends its command again. The .lua files stand beside the Go that calls them
// and state their keys, arguments, replies and invariants.
//
// Keys of one organisation share its hash tag, so they live in one slot:
//
//	a:{org}:c:<kind>:<subject>:<start>  committed = settled + held, int
//	a:{org}:s:…                         settled, int
//	a:{org}:o:…                         of settled: moved away, int
//	a:{org}:t:<scope>:<subject>:<metric> arrival time of a bucket, µs
//	a:{org}:r:<hold>                    record of a hold
//	a:{org}:rx                          open holds by due time, zset
//	a:{org}:m:<move>                    record of an outflow
//	a:{org}:ev                          usage events, stream
//	a:{org}:dir:catalog                 catalog, JSON
//	a:dir:key:<hash>                    principal of one credential, JSON
//	a:dir:orgs                          organisations that have a catalog, set
//	a:dir:changed                       channel of Change, JSON
//
// Nothing else may write in this namespace: a key of a foreign type would let
// a script fail between two writes. The server must not evict
// (maxmemory-policy noeviction) and should keep an append-only file.
package redis
