// Package extproc is the enforcement point: an Envoy external processor that
// decides, before a request leaves, who may spend how much on it, and books,
// after it, what was really spent.
//
// One gRPC stream is one HTTP request. Its states:
//
//	           request headers           request body              response headers        response body
//	┌─────────┐  credential,  ┌─────────┐  scan, price, ┌─────────┐  2xx    ┌───────────┐  end   ┌──────┐
//	│ opened  ├──────────────▶│ waiting ├──────────────▶│  sent   ├────────▶│ answering ├───────▶│ over │
//	└──┬───┬──┘  path, header └──┬───┬──┘  reserve      └──┬───┬──┘         └─────┬─────┘ settle └──────┘
//	   │   │     checks          │   │                     │   │                  │                 ▲
//	   │   └─ refused ───────────┼───┴─ refused ───────────┼───┼──────────────────┼── answered ─────┤
//	   │                         │                         │   └─ not 2xx ────────┼── voided ───────┤
//	   └─ response headers ──────┴─ (Envoy answered) ──────┼──────────────────────┼── let pass ─────┤
//	                                                       └─ stream ends ────────┴── estimated ────┘
//
// Three rules hold in every state. A request goes upstream only by the reply
// to its body, which carries the provider's credential and the route; a
// handler that ends without a decision ends with an error, which Envoy turns
// into a refusal. A hold that was made is ended exactly once, on every way
// out: end of stream, cancellation, error, panic, shutdown. And how it ended
// is written to the spool before it is sent, and stays there until the record
// has it; what cannot be booked at once is tried again.
//
// The Gate decides and books, and knows no Envoy. It reads one immutable
// snapshot of the directory for each request. What it needs of the outside it
// asks of two small interfaces, [Ledger] and [Directory]. Wire formats live in
// extproc/llm.
//
// What is charged when the provider's usage is not known (every such event is
// marked estimated, and an estimate never exceeds what was held):
//
//   - nobody saw an answer: the upper bound of the input, no output;
//   - the answer broke off or reported nothing: the upper bound of the input
//     and the output that was seen;
//   - the answer was encoded in a way that cannot be read: the upper bound of
//     the input and a token for each byte, at most what was granted.
package extproc
