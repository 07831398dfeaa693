//go:build mutant_ignores_lost_directory

package admin

// A deliberate bug: what a failover lost of the directory is not published again.
const mutant = "ignores_lost_directory"
