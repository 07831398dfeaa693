//go:build mutant_allowance_back_before_booked

package extproc

// A deliberate bug: an allowance is given back while what was spent from it is not booked.
const mutant = "allowance_back_before_booked"
