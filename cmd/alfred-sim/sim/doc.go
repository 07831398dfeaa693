// Package sim runs the cores of Alfred in one thread, on a clock and a network
// that a seed decides, and checks after every step that no credit is lost,
// charged twice or granted that was not there.
//
// What runs is the product: several data planes (gate, allowances, endings,
// spool, keeper, reaper, directory), two recorders, the publisher, the
// rebuilder, and two processes that move credits between people, over the live
// ledger of store/memory. What is simulated is everything between and below them:
//
//   - time: a queue of events; nothing ever sleeps;
//   - the network: requests and replies are dropped, sent twice, delayed and
//     so reordered;
//   - processes: they die at any of their calls and lose their memory;
//   - the spool's disk: a crash in the middle of a write keeps any part of
//     what was not synced; it fills up;
//   - the live store: it is away, emptied, or replaced by a replica that lacks
//     the last writes;
//   - the permanent record: RecordEvents by the rules of store/postgres,
//     transactions with the lock of usage, away at times, and cut off after a
//     commit;
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
// Those of allowances are in asides.go: A1 nothing is spent that was not set
// aside; A2 nobody spends from an allowance that may have been reaped; A3 one is
// given back when all that was spent from it is booked. While it stands, what is
// booked of it is no excuse to I1: under the fail mode local nobody overspends
// but after a failover has lost an allowance, or its process could not extend it.
// Those of moves are in moves.go: M1 a step of a move changes its source alone, by
// one amount; M2 what is booked sums to 0; M3 a move is made wholly or not at
// all, on the counters and in the record; M4 it is as whoever asked was told.
//
// After a failover the rebuilder builds the ledger, and at the end the counters
// of windows that are open must be what the record says, to the micro-credit, and
// those of windows that are over not above it. Three bounds are checked, counter by
// counter, and Report.High counts the histories that need one: what expiries had
// charged beyond a truth that came later, after everything was lost; what a ledger
// that was lost had lowered; and who paid for a request that was admitted without
// an answer. The rebuilder gives way only where it records; that it may be
// interrupted anywhere is tested over real servers.
package sim
