// Package store holds what the stores of the live ledger share: the checks
// that every request passes, the explanation of a refusal, and how a hold
// ends. It reads and writes nothing itself.
//
// A store is one of
//
//   - store/redis: the live truth of open windows, in Redis or Valkey,
//   - store/memory: the reference, in one process, for tests and examples.
//
// Both have the same methods; store/storetest is their contract. What is
// settled for good, and the people and limits behind it, live in
// store/postgres, which is a different thing with a different interface.
//
// The life of a hold, with what each step adds to committed (c) and settled (s)
// of its counters:
//
//	from      step          to        adds
//	absent    reserve       held      c: taken
//	held      extend        held      nothing; due later
//	held      settle        settled   c: cost - taken, s: cost
//	held      void          void      c: -taken
//	held      due: expire   expired   as settle, with what the policy charges
//	expired   settle, void  settled   c, s: cost - charged
//	void      settle        settled   c, s: cost
//	absent    settle        settled   c, s: cost, flagged late
//	absent    settle        forwarded nothing: it may have been charged before, and
//	                                  only the permanent record knows
//	forwarded settle        forwarded nothing: the permanent record takes it again
//	absent    void          void      nothing; a reserve that comes later is refused
//	any other                         nothing: a duplicate
//
// Settled is final. A record that has ended stays for TombstoneTTL, so that a
// retry finds it and changes nothing.
package store

import (
	"time"

	"github.com/alfred-envoy/alfred"
)

const (
	// TombstoneTTL is how long the record of an ended hold stays.
	TombstoneTTL = 15 * time.Minute
	// MaxHoldTTL bounds how far ahead a hold may be due.
	MaxHoldTTL = 5 * time.Minute
	// LateFor is how long after its due time a hold without a record may
	// still be charged. A hold ends at most MaxHoldTTL before it is due, so
	// until then a missing record cannot be a tombstone that has lapsed, and
	// the charge cannot be the second one.
	LateFor = TombstoneTTL - MaxHoldTTL
	// RevokedFor is how long a withdrawn credential is still published.
	RevokedFor = 24 * time.Hour
	// MaxBacklog is how many entries the usage stream may hold before
	// refusals are no longer written to it. Settlements always are.
	MaxBacklog = 100_000
	// ClaimAfter is how long an entry may stay with a consumer that does not
	// acknowledge it before another takes it over.
	ClaimAfter = 30 * time.Second
)

// Entry is one event of the usage stream. Err says why it could not be read;
// Raw then still holds its bytes.
type Entry struct {
	ID    string
	Event alfred.UsageEvent
	Raw   []byte
	Err   error
}

// Change says what was published: a catalog when KeyHash is "", a credential
// otherwise. The zero Change means that changes may have been missed.
type Change struct {
	Org     alfred.OrgID `json:"org"`
	Version int64        `json:"version"`
	KeyHash string       `json:"key_hash,omitempty"`
}
