package llm

// Usage is what the wire reports, normalised so that the five add up without counting a token twice: Input excludes
// CachedInput and CacheWrite, Output excludes Reasoning.
type Usage struct{ Input, CachedInput, CacheWrite, Output, Reasoning int64 }

// ResponseFacts is what a response has said so far.
type ResponseFacts struct {
	Usage          Usage
	HasUsage       bool   // the provider reported usage
	OutputEstimate int64  // tokens of the output seen so far, for when usage is missing; an estimate, not a bound
	Done           bool   // the terminal event ([DONE]) or the end of the JSON text was seen
	Error          string // code or type of an error that the provider reported; "" if none
	Model          string // the model that the provider says it used
	Bad            bool   // something could not be read; usage may be missing
}

// Reader consumes a response body in chunks, cut anywhere, in constant memory. No byte is lost to the client, whatever the
// body holds.
type Reader interface {
	// Write reads one chunk and returns the bytes to pass on to the client: p itself when nothing has to be removed, else whole
	// events without the usage chunk that was asked for on the client's behalf, with the unfinished tail carried to the next
	// call. The result may share memory with p and is valid until the next call.
	Write(p []byte) []byte
	// Close ends the body, complete or broken, and returns the carried tail that is still to be passed on.
	Close() []byte
	Facts() ResponseFacts
}

// SupportsEncoding reports whether a body with this content-encoding can be read. Others are settled by estimate.
func SupportsEncoding(contentEncoding string) bool {
	return contentEncoding == "" || contentEncoding == "identity"
}
