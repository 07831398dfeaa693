package admin

import (
	"context"
	"fmt"
	"log/slog"
	"maps"
	"slices"
	"time"

	"github.com/alfred-envoy/alfred"
)

// Recorder books the usage stream. It acknowledges an entry only when the
// record has it: while Postgres is away entries wait in the stream, and what
// is delivered twice is stored once.
type Recorder struct {
	Records  Records
	Events   Events
	Consumer string
	Log      *slog.Logger
	Metrics  *Metrics
	Ledger   *Rebuilder // brings late settlements onto the counters; nil: the next comparison does
}

// recordBatch and recordBlock bound one reading of the stream.
const (
	recordBatch = 500
	recordBlock = 2 * time.Second
)

// Run books one organisation's events until ctx ends.
func (r *Recorder) Run(ctx context.Context, org alfred.OrgID) {
	pause := retry{}
	for ctx.Err() == nil {
		if _, err := r.Step(ctx, org, recordBlock); err != nil && ctx.Err() == nil {
			r.Log.Error("record usage", "org", org, "err", err)
			r.Metrics.failed("record")
			pause.wait(ctx)
			continue
		}
		pause.reset()
	}
}

// Step books one batch and returns how many entries it acknowledged.
func (r *Recorder) Step(ctx context.Context, org alfred.OrgID, block time.Duration) (int, error) {
	entries, err := r.Events.ReadEvents(ctx, org, r.Consumer, recordBatch, block)
	if err != nil || len(entries) == 0 {
		return 0, err
	}
	// An entry that was read is booked even when the process is stopping.
	ctx = context.WithoutCancel(ctx)
	if mutant == "confirm_before_commit" {
		if err := r.confirm(ctx, entries); err != nil {
			return 0, err
		}
	}
	ids := make([]string, 0, len(entries))
	var events []alfred.UsageEvent
	for _, e := range entries {
		ids = append(ids, e.ID)
		if e.Err == nil {
			events = append(events, e.Event)
			continue
		}
		if err := r.Records.SetAside(ctx, org, e.ID, e.Raw, e.Err.Error()); err != nil {
			return 0, fmt.Errorf("set entry %s aside: %w", e.ID, err)
		}
		r.Metrics.aside()
		r.Log.Error("usage entry cannot be read, set aside", "org", org, "entry", e.ID, "err", e.Err)
	}
	if mutant == "ack_before_commit" {
		if err := r.Events.AckEvents(ctx, org, ids); err != nil {
			return 0, err
		}
	}
	if len(events) > 0 {
		if err := r.book(ctx, org, entries, events); err != nil {
			return 0, err
		}
	}
	r.raise(ctx, org, events)
	if err := r.confirm(ctx, entries); err != nil {
		return 0, err
	}
	if err := r.Events.AckEvents(ctx, org, ids); err != nil {
		return 0, fmt.Errorf("acknowledge %d entries: %w", len(ids), err)
	}
	r.Metrics.record(len(ids))
	return len(ids), nil
}

// raise brings onto the live counters what was charged to the record alone.
func (r *Recorder) raise(ctx context.Context, org alfred.OrgID, events []alfred.UsageEvent) {
	if r.Ledger == nil {
		return
	}
	seen := map[alfred.Counter]bool{}
	var late []alfred.Counter
	for _, e := range events {
		for _, c := range e.Charges {
			if e.Late && !seen[c.Counter] {
				seen[c.Counter] = true
				late = append(late, c.Counter)
			}
		}
	}
	if err := r.Ledger.Raise(ctx, org, late); err != nil {
		r.Log.Error("raise counters by what was charged late", "org", org, "err", err) // the next comparison does
	}
}

// confirm tells every spool what it need not keep. It comes before the
// acknowledgement: an entry that is delivered again is confirmed again, while
// one that is acknowledged would never be. What was set aside is kept too.
func (r *Recorder) confirm(ctx context.Context, entries []Entry) error {
	spooled := make(map[string][]int64)
	for _, e := range entries {
		if e.Event.Instance != "" && e.Event.Spooled > 0 {
			spooled[e.Event.Instance] = append(spooled[e.Event.Instance], e.Event.Spooled)
		}
	}
	for _, instance := range slices.Sorted(maps.Keys(spooled)) {
		if err := r.Events.ConfirmSpool(ctx, instance, spooled[instance]); err != nil {
			return fmt.Errorf("confirm %d entries of spool %s: %w", len(spooled[instance]), instance, err)
		}
	}
	return nil
}

// book stores a batch. An event that the record refuses for what it is, and
// not for want of a database, is found by storing one at a time, and set
// aside: one bad event must not stop the others.
func (r *Recorder) book(ctx context.Context, org alfred.OrgID, entries []Entry, events []alfred.UsageEvent) error {
	_, err := r.Records.RecordEvents(ctx, events)
	if err == nil {
		return nil
	}
	if !refusedForContent(err) {
		return fmt.Errorf("record %d events: %w", len(events), err)
	}
	for _, e := range entries {
		if e.Err != nil {
			continue
		}
		_, err := r.Records.RecordEvents(ctx, []alfred.UsageEvent{e.Event})
		switch {
		case err == nil:
		case !refusedForContent(err):
			return fmt.Errorf("record event %s: %w", e.Event.Reservation, err)
		default:
			if err := r.Records.SetAside(ctx, org, e.ID, e.Raw, err.Error()); err != nil {
				return fmt.Errorf("set entry %s aside: %w", e.ID, err)
			}
			r.Metrics.aside()
			r.Log.Error("usage event was refused, set aside", "org", org, "entry", e.ID, "err", err)
		}
	}
	return nil
}

// refusedForContent says whether a store refused what it was given, rather
// than being unable to take anything.
func refusedForContent(err error) bool {
	switch alfred.ErrorCode(err) {
	case alfred.CodeValidation, alfred.CodeInvalidRequest, alfred.CodeConflict, alfred.CodeNotFound:
		return true
	default:
		return false
	}
}
