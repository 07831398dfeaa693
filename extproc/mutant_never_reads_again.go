//go:build mutant_never_reads_again

package extproc

// A deliberate bug: the directory is read again only when a change is announced.
const mutant = "never_reads_again"
