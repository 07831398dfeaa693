// Package alfred is the domain of credit governance for LLM traffic: who may
// spend how much, of whose credits, in which window, and what was spent.
//
// The nouns, in the order in which a request meets them:
//
//   - A [Principal] is what is known of one credential: key, person, teams,
//     and the [Allowance] of each budget that the person draws on.
//   - A [Catalog] is what every request of one organisation shares: windows,
//     prices, models, team pools and limits.
//   - A [Plan] lists what a request must pass and who pays: caps refuse, legs
//     pay, buckets pace.
//   - A hold ([HoldRecord]) reserves the upper bound of the cost on every
//     counter of the plan at once; settling replaces it with the truth.
//   - A [Decision] is the answer, a value that explains itself.
//   - A [UsageEvent] is the record of what happened.
//
// The package is pure: standard library only, no input or output, and time
// comes in as an argument. It promises no stable API before version 1.
package alfred

// Version of the product; also the version that binaries report.
const Version = "0.1.0"
