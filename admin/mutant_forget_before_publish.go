//go:build mutant_forget_before_publish

package admin

// A deliberate bug: a change is forgotten before it is published.
const mutant = "forget_before_publish"
