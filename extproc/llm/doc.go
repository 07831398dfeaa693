// Package llm reads and edits the wire formats of LLM APIs: bytes in, facts out. It knows no transport, no prices and no
// policy; it answers what a request asks for, what it can cost at most in tokens, and what a response says was used.
//
// A request is read by one strict pass that never decodes or copies the prompt: what this package accepts, every JSON
// parser reads the same way (no duplicate or look-alike names, no truncated text, no bad UTF-8), so that a provider cannot
// be made to see another request than the one that was paid for. Edits are splices: bytes that need no change are not touched.
//
// A response is read in chunks cut anywhere, in constant memory. Nothing that a reader cannot understand is ever kept from
// the client; the facts then say Bad and the caller settles by its estimate.
package llm
