// Package parts finds, fetches and runs the servers that Alfred stands on: Envoy, Valkey or Redis, and Postgres.
//
// Each part is looked for on the machine first and fetched only when it is not there. What is fetched is checked against a
// SHA-256 written in pins.go before anything of it is executed, and kept under its name and version in Home()/bin, so the second
// start downloads nothing. Two processes that fetch at once take turns by a lock file, and a part appears by an atomic rename:
// a half-written one is never seen.
//
// A server started here is a child in a process group of its own, is ended when its parent dies (Linux), and writes to a log
// file whose last lines are quoted when it fails. Nothing here asks for root; as root, Postgres is run under another uid, because
// it refuses to be root.
package parts
