//go:build mutant_duplicate_releases

package store

// A deliberate bug: settling again gives the hold back again, so that counters fall.
const mutant = "duplicate_releases"
