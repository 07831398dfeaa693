package admin_test

import (
	"context"
	"net/http"
	"testing"

	"github.com/alfred-envoy/alfred"
	"github.com/alfred-envoy/alfred/admin"
)

// What was moved away stays away: the record knows it, whichever way it was
// moved, so a ledger that is built from the record does not offer it again.
func TestWhatWasMovedIsNotOfferedAgainByALedgerThatIsBuilt(t *testing.T) {
	onLedgers(t, func(w *ledgerWorld) {
		a, b := w.user("a@company.com", `,"personal_quota":1000`), w.user("b@company.com", `,"personal_quota":1000`)
		team := w.team("Core", "1000", b)
		w.spend(a, 10*alfred.Credit, alfred.PriorityNormal)
		w.transfer(a, "b@company.com", "100").is(http.StatusCreated)
		w.do("POST", "/v1/admin/reallocations", w.owner.key, `{"reason":"balance","entries":[{"user_id":"`+a.id+`","amount":-250},{"team_id":"`+team+`","amount":-30},{"user_id":"`+b.id+`","amount":280}]}`).is(http.StatusCreated)
		w.publish()
		left := func(p person) float64 { return number(w.quota(p)["available_quota"]) }
		before := []float64{left(a), left(b)}
		if before[0] != 640 {
			w.Fatalf("%v credits are left", before)
		}
		if rows, totals := w.drift(""); len(rows) != 0 {
			w.Errorf("what was moved is drift: %v, %v", rows, totals)
		}
		w.lose()
		w.must(w.config.Ledger.Ensure(w.ctx, w.org))
		w.must(admin.Republish(w.ctx, w.records, w.clock.Now()))
		w.publish()
		if after := []float64{left(a), left(b)}; after[0] != before[0] || after[1] != before[1] {
			w.Errorf("%v credits were left, and %v after the ledger was built", before, after)
		}
		if rows, _ := w.drift(""); len(rows) != 0 {
			w.Errorf("drift after the building: %v", rows)
		}
	})
}

// losing is a ledger that is lost as soon as a move has taken from it, built
// again or not by the time that the move is booked.
type losing struct {
	admin.Live
	after func()
}

func (l *losing) TakeOutflow(ctx context.Context, o alfred.Outflow) (alfred.OutflowReply, error) {
	reply, err := l.Live.TakeOutflow(ctx, o)
	if after := l.after; after != nil && err == nil {
		l.after = nil
		after()
	}
	return reply, err
}

// The ledger is lost between the taking of a move and its booking. The move
// is not made, in whole; and what is built afterwards agrees with the record.
func TestAMoveThatIsUnderWayWhenTheLedgerIsLostIsNotMade(t *testing.T) {
	for _, built := range []bool{false, true} {
		onLedgers(t, func(w *ledgerWorld) {
			l := &losing{Live: w.config.Live}
			w.config.Live = l
			var err error
			w.handler, err = admin.NewHandler(w.config)
			w.must(err)
			a, b := w.user("a@company.com", `,"personal_quota":1000`), w.user("b@company.com", `,"personal_quota":1000`)
			w.spend(a, 10*alfred.Credit, alfred.PriorityNormal)
			w.drift("") // recorded
			for what, move := range map[string]func() reply{
				"transfer": func() reply { return w.transfer(a, "b@company.com", "100") },
				"reallocation": func() reply {
					return w.do("POST", "/v1/admin/reallocations", w.owner.key, `{"reason":"balance","entries":[{"user_id":"`+a.id+`","amount":-250},{"user_id":"`+b.id+`","amount":250}]}`)
				},
			} {
				lose := w.lose
				if older := w.live.Snapshot(); w.ledger == liveLedger(w.live) {
					lose = func() { w.live.Restore(older) }
				}
				l.after = func() {
					lose()
					// A transfer holds the lock of the record from before it
					// takes: nobody can build the ledger in between.
					if built && what == "reallocation" {
						w.must(w.config.Ledger.Ensure(w.ctx, w.org))
					}
				}
				move().refused(http.StatusServiceUnavailable, alfred.CodeUnavailable)
				if l.after != nil {
					w.Fatalf("%s: nothing was taken", what)
				}
				w.must(w.config.Ledger.Ensure(w.ctx, w.org))
				if rows, _ := w.drift(""); len(rows) != 0 {
					w.Errorf("%s: drift: %v", what, rows)
				}
				w.must(admin.Republish(w.ctx, w.records, w.clock.Now()))
				w.publish()
				if qa, qb := w.quota(a), w.quota(b); number(qa["available_quota"]) != 990 || number(qb["available_quota"]) != 1000 {
					w.Errorf("%s was made in part: %v and %v", what, qa["available_quota"], qb["available_quota"])
				}
			}
		})
	}
}
