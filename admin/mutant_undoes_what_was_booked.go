//go:build mutant_undoes_what_was_booked

package admin

// A deliberate bug: what a move took is given back without asking whether it was booked.
const mutant = "undoes_what_was_booked"
