// Package postgres keeps the record of every organisation: people, teams and
// budgets, everything that changed them, and what was used.
//
// It decides nothing about credits. The live counters decide, in another
// store; this one remembers, and refuses what must never be true: a move that
// does not sum to zero, an adjustment or an audit event that is edited, an
// organisation without an owner, a usage event that is there twice.
//
//   - migrations/ is the schema, forward only; [Store.Migrate] brings a
//     database up to it.
//   - queries/ holds the SQL, typed into internal/db by sqlc: make generate.
//   - One file for each aggregate turns rows into the nouns of the root.
//
// Transactions travel in the context: see [Store.InTx].
package postgres
