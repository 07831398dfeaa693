// Package scratch gives tests a Postgres with Alfred's schema: one server for the run of a package, a database of its own for each
// test.
package scratch
