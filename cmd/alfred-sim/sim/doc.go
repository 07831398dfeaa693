// Package sim runs the cores of Alfred in one thread, on a clock and a network
// that a seed decides, and checks after every step that no credit is lost,
// charged twice or granted that was not there.
//
// What runs is the product: several data planes (gate, endings, spool, keeper,
// reaper, directory), two recorders, the publisher and the rebuilder, over the
// live ledger of store/memory. What is simulated is everything between and below them:
//
//   - time: a queue of events; nothing ever sleeps;
//   - the network: requests and replies are dropped, sent twice, delayed and
//     so reordered;
//   - processes: they die at any of their calls and lose their memory;
//   - the spool's disk: a crash in the middle of a write keeps any part of
//     what was not synced; it fills up;
//   - the live store: it is away, or replaced by a replica that lacks the last
//     writes;
//   - the permanent record: RecordEvents by the rules of store/postgres, away
//     at times, and cut off after a commit;
//   - clocks of data planes that are wrong by up to 90 seconds, and the end of
//     a window in the middle of it.
//
// Each piece of work is a fiber: a coroutine that gives way at every call over
// the network and at every pause, and nowhere else. Exactly one runs at a time,
// so a seed always gives the same history. Options narrow a history: fewer
// steps, fewer kinds of faults, fewer people. Shrink looks for the smallest
// that still fails.
//
// The invariants are in audit.go and rest.go, each by its number in I1 to I10:
// I1 what is granted is never above a ceiling; I2 committed is settled plus
// held; I3 nothing is charged twice; I4 what was acknowledged is charged, with
// what it cost; I5 a refusal changes nothing; I6 a hold that is given back
// leaves nothing; I7 nothing stays held; I8 the stream is trimmed below what is
// recorded only; I9 counters fall by releases and corrections only; I10 the
// people's counters sum to the organisation's.
//
// After a failover the rebuilder builds the ledger, and at the end the counters
// of windows that are open must be what the record says, to the micro-credit. One
// step of the rebuilder is a single instant here; that it may be interrupted is
// tested over real servers.
package sim
