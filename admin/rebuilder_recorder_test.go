package admin_test

import (
	"context"
	"testing"
	"time"

	"github.com/alfred-envoy/alfred"
	"github.com/alfred-envoy/alfred/admin"
)

// between is the stream of a recorder to which something happens after it has
// read and before it records.
type between struct {
	pastEvents
	happens func()
}

func (b *between) ReadEvents(ctx context.Context, org alfred.OrgID, consumer string, max int, block time.Duration) ([]admin.Entry, error) {
	entries, err := b.pastEvents.ReadEvents(ctx, org, consumer, max, block)
	if b.happens != nil && len(entries) > 0 {
		b.happens()
		b.happens = nil
	}
	return entries, err
}

// A recorder has read that a hold has ended, and records it after the ledger
// came back older and was built: the hold stands again, and what it cost is
// missing on the counters. The comparison that raises them closes the hold, or
// the settlement that the spool sends again would charge it once more.
func TestWhatIsRaisedIsNotHeldAsWell(t *testing.T) {
	records := openRecords(t)
	onBackends(t, func(t *testing.T, b *backend) {
		p := newPast(t, records, b)
		p.reserve(0, 5*alfred.Credit)
		p.reserve(1, 3*alfred.Credit) // another one stays held
		p.copyNow()
		p.end(p.holds[0], false, 4*alfred.Credit)
		late := *p.recorder
		late.Events = &between{pastEvents{b.live}, func() {
			p.copy()
			p.must(p.rebuilder().Ensure(p.ctx, p.org))
		}}
		if _, err := late.Step(p.ctx, p.org, 0); err != nil {
			t.Logf("the stream that was read is gone: %v", err) // what is recorded stays so
		}
		before := p.look()
		if len(before.open) != 2 {
			t.Fatalf("%d holds stand in the ledger that came back, expected 2", len(before.open))
		}
		p.must(p.rebuilder().Step(p.ctx, p.org))
		after := p.look()
		if err := p.raised(before, after); err != nil {
			t.Error(err)
		}
		if _, open := after.open[p.holds[0].record.Hold]; open || len(after.open) != 1 {
			t.Errorf("%d holds stand after the comparison, expected the one that runs", len(after.open))
		}
		if err := p.rest(); err != nil {
			t.Error(err)
		}
	})
}
