package postgres_test

import (
	"encoding/json"
	"fmt"
	"slices"
	"testing"
	"time"

	"pgregory.net/rapid"

	"github.com/alfred-envoy/alfred"
)

// Whatever an event was charged to comes back as it was, and the function that
// reads charges in SQL says the same.
func TestChargesComeBackHoweverTheyAreWritten(t *testing.T) {
	w := newWorld(t)
	kinds := []alfred.CounterKind{
		alfred.CountOrg, alfred.CountDept, alfred.CountTeam, alfred.CountUser, alfred.CountKey, alfred.CountProject, alfred.CountModel, alfred.CountPersonal,
		alfred.CountPool, alfred.CountShare, alfred.CountOverdraft,
	}
	odd := []string{"", "usr_other", "team_t/usr_ana", "a model", "gpt:4;5=6", `say "hi"\`, "Ås\tæ", "team_7", "%41"}
	starts := []time.Time{november.Start, november.Start.Add(time.Hour), november.Start.Add(1500 * time.Millisecond), time.Date(1969, 12, 1, 0, 0, 0, 0, time.UTC)}
	n := 0
	rapid.Check(t, func(r *rapid.T) {
		n++
		e := w.settled(fmt.Sprint("hold_", n), noon, alfred.Credits(rapid.Int64Range(0, 5000).Draw(r, "cost")))
		e.Model = rapid.SampledFrom([]string{"gpt-4o", "ein Modell", "x;y"}).Draw(r, "model")
		e.Team = rapid.SampledFrom([]alfred.TeamID{"", "team_t"}).Draw(r, "team")
		own := map[alfred.CounterKind]string{
			alfred.CountOrg: string(e.Org), alfred.CountDept: string(e.Department), alfred.CountTeam: string(e.Team), alfred.CountUser: string(e.User),
			alfred.CountKey: string(e.Key), alfred.CountProject: string(e.Project), alfred.CountModel: e.Model, alfred.CountPersonal: string(e.User),
			alfred.CountPool: string(e.Team), alfred.CountShare: alfred.ShareSubject(e.Team, e.User), alfred.CountOverdraft: string(e.User),
		}
		oddly := rapid.Bool().Draw(r, "oddly")
		amount := func() alfred.Credits {
			return alfred.Credits(rapid.SampledFrom([]int64{int64(e.Cost), int64(e.Cost), -3, 0, 1, int64(alfred.MaxCredits)}).Draw(r, "amount"))
		}
		e.Charges, e.Legs = nil, nil
		window := alfred.Window{Start: november.Start, End: november.End}
		for range rapid.IntRange(0, 9).Draw(r, "charges") {
			kind := rapid.SampledFrom(kinds).Draw(r, "kind")
			subject := own[kind]
			if oddly && rapid.Bool().Draw(r, "other") {
				subject = rapid.SampledFrom(odd).Draw(r, "subject")
				window.Start = rapid.SampledFrom(starts).Draw(r, "start")
			}
			e.Charges = append(e.Charges, alfred.CounterAmount{Counter: alfred.Counter{Kind: kind, Subject: subject, Window: window}, Amount: amount()})
		}
		for range rapid.IntRange(0, 3).Draw(r, "legs") {
			kind := rapid.SampledFrom([]alfred.LegKind{alfred.LegPersonal, alfred.LegTeam, alfred.LegOverdraft}).Draw(r, "leg")
			subject := string(e.User)
			if kind == alfred.LegTeam {
				subject = string(e.Team)
			}
			if oddly && rapid.Bool().Draw(r, "other payer") {
				subject = rapid.SampledFrom(odd).Draw(r, "payer")
			}
			e.Legs = append(e.Legs, alfred.LegAmount{Kind: kind, Subject: subject, Amount: amount()})
		}
		w.record(1, e)
		got, err := w.RequestEvents(w.ctx, w.org, e.Decision)
		w.must(err)
		w.same(got, []alfred.UsageEvent{e})
		var want []string
		for _, c := range e.Charges {
			at := c.Counter.Window
			want = append(want, fmt.Sprintf("%s|%s|%d|%d|%d", c.Counter.Kind, c.Counter.Subject, at.Start.UnixMilli(), at.End.UnixMilli(), int64(c.Amount)))
		}
		slices.Sort(want)
		read := w.text(`SELECT coalesce(json_agg(t ORDER BY t COLLATE "C"), '[]')::text FROM (SELECT concat_ws('|', c.kind, c.subject,
			(extract(epoch FROM c.window_start) * 1000)::bigint, (extract(epoch FROM c.window_end) * 1000)::bigint, c.amount) AS t
			FROM usage_events e, usage_charges(e) c WHERE e.reservation_id = $1) x`, string(e.Reservation))
		var have []string
		w.must(json.Unmarshal([]byte(read), &have))
		w.same(have, append([]string{}, want...))
	})
}

// A usual event takes a few dozen bytes to say what it was charged to.
func TestChargesAreWrittenShort(t *testing.T) {
	w := newWorld(t)
	w.record(1, w.settled("hold_1", noon, 10))
	w.same(w.text("SELECT charges::text || ' and ' || legs::text FROM usage_events"), `"1793491200/1796083200 personal user" and "personal"`)
}

// What an older version wrote, as an array of objects, is read as before, and
// netted against.
func TestChargesOfOlderVersionsAreRead(t *testing.T) {
	w := newWorld(t)
	e := w.settled("hold_1", noon, 10)
	e.Kind, e.Late = alfred.EventExpired, false
	w.record(1, e)
	w.must(w.sql("ALTER TABLE usage_events DISABLE TRIGGER USER"))
	w.must(w.sql("ALTER TABLE usage_events_20261123 DISABLE TRIGGER USER"))
	charges, err := json.Marshal(e.Charges)
	w.must(err)
	legs, err := json.Marshal(e.Legs)
	w.must(err)
	w.must(w.sql("UPDATE usage_events SET charges = $1::text::jsonb, legs = $2::text::jsonb, decided_millis = NULL, first_byte_millis = NULL", string(charges), string(legs)))
	got, err := w.RequestEvents(w.ctx, w.org, e.Decision)
	w.must(err)
	w.same(got, []alfred.UsageEvent{e})

	truth := w.settled("hold_1", noon.Add(time.Hour), 4)
	w.record(1, truth)
	w.same(w.used(personal), alfred.Credits(4))
	w.addsUp()
}

// When it was decided and when the answer began is kept, and unknown where it
// was not measured.
func TestTimesOfARequestAreKept(t *testing.T) {
	w := newWorld(t)
	timed, bare := w.settled("hold_1", noon, 10), w.settled("hold_2", noon.Add(time.Second), 10)
	decided, first := int64(3), int64(0)
	timed.DecidedMillis, timed.FirstByteMillis = &decided, &first
	w.record(2, timed, bare)
	got, _, err := w.Requests(w.ctx, w.org, alfred.RequestFilter{Limit: 5})
	w.must(err)
	w.same(got, []alfred.UsageEvent{bare, timed})
}
