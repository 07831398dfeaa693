//go:build mutant_forgets_undone_moves

package admin

// A deliberate bug: a move that was undone stays taken in a ledger that came back older.
const mutant = "forgets_undone_moves"
