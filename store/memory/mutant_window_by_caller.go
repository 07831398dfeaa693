//go:build mutant_window_by_caller

package memory

// A deliberate bug: the window is the one that the caller believes in.
const mutant = "window_by_caller"
