package redis

import (
	"testing"
	"time"

	"github.com/alicebob/miniredis/v2"
	"github.com/google/go-cmp/cmp"
	"github.com/google/go-cmp/cmp/cmpopts"
	"pgregory.net/rapid"

	"github.com/alfred-envoy/alfred"
	"github.com/alfred-envoy/alfred/store"
	"github.com/alfred-envoy/alfred/store/storetest"
)

// What is written of a hold is read again, to the microsecond and the last
// micro-credit.
func TestRecordsAreReadAsWritten(t *testing.T) {
	rapid.Check(t, func(r *rapid.T) {
		amount := rapid.Custom(func(r *rapid.T) alfred.Credits {
			return alfred.Credits(rapid.Int64Range(0, int64(alfred.MaxCredits)).Draw(r, "amount"))
		})
		counter := rapid.Custom(func(r *rapid.T) alfred.Counter {
			start := time.UnixMicro(rapid.Int64Range(0, 4e15).Draw(r, "start")).UTC()
			return alfred.Counter{Kind: alfred.CountModel, Subject: rapid.String().Draw(r, "subject"), Window: alfred.Window{Start: start, End: start.Add(time.Hour)}}
		})
		h := alfred.HoldRecord{
			Org: "o", Hold: "h", Granted: amount.Draw(r, "granted"), Due: time.UnixMilli(rapid.Int64Range(0, 4e12).Draw(r, "due")).UTC(),
			Caps: rapid.SliceOfN(counter, 0, 3).Draw(r, "caps"),
			Terms: alfred.Terms{OnExpiry: alfred.ReapInputOnly, InputCost: amount.Draw(r, "input"), Event: alfred.UsageEvent{
				User: alfred.UserID(rapid.String().Draw(r, "user")), Model: rapid.String().Draw(r, "model"),
			}},
		}
		for range rapid.IntRange(1, 3).Draw(r, "legs") {
			h.Legs = append(h.Legs, alfred.HeldLeg{Kind: alfred.LegTeam, Counters: rapid.SliceOfN(counter, 1, 2).Draw(r, "group"), Taken: amount.Draw(r, "taken")})
		}
		for _, s := range []store.Standing{{State: store.Expired, Charged: amount.Draw(r, "charged")}, {State: store.Settled, Charged: amount.Draw(r, "cost")}, {State: store.Void}, {}} {
			text, err := encode(s, h)
			if err != nil {
				r.Fatal(err)
			}
			got, err := decode("o", "h", text)
			if err != nil || got.standing != s {
				r.Fatalf("%q reads as %+v, %v", text, got.standing, err)
			}
			if s.State == store.Expired {
				if diff := cmp.Diff(h, got.hold, cmpopts.EquateEmpty()); diff != "" {
					r.Fatalf("hold (-written +read):\n%s", diff)
				}
			}
			if len(text) < len(head(s, h)) || text[:len(head(s, h))] != head(s, h) {
				r.Fatalf("%q does not begin with its head %q", text, head(s, h))
			}
		}
	})
}

func FuzzDecodeNeverPanics(f *testing.F) {
	for _, s := range []string{"", "R1|10|4,6|1795400000000|{}", "X1|5|10|10|1|{\"w\":[],\"l\":[{\"c\":[{\"w\":7}]}]}", "S1|3|", "V1|0|", "R2|", "S1|", "|||||"} {
		f.Add(s)
	}
	f.Fuzz(func(t *testing.T, text string) {
		r, err := decode("o", "h", text)
		if err == nil && text != "" && r.standing.State == store.Absent {
			t.Errorf("%q was read as nothing", text)
		}
	})
}

// A heartbeat between the reaper's look and its step saves the hold; so does a
// settlement.
func TestReaperLosesToAHeartbeat(t *testing.T) {
	server := miniredis.RunT(t)
	now := time.Now()
	server.SetTime(now)
	s, err := Open(t.Context(), Options{URL: "redis://" + server.Addr(), Timeout: 10 * time.Second})
	if err != nil {
		t.Fatal(err)
	}
	defer func() { _ = s.Close() }()
	storetest.Open(t, s, "o")
	w := alfred.Window{Start: now.Add(-time.Hour), End: now.Add(time.Hour)}
	hold := func(id alfred.HoldID) alfred.HoldRecord {
		reply, err := s.Reserve(t.Context(), alfred.ReserveRequest{
			Org: "o", Hold: id, Need: 5, Want: 5, TTL: time.Second, Window: w,
			Legs: []alfred.Leg{{Group: []alfred.Charge{{Counter: alfred.Counter{Kind: alfred.CountUser, Subject: "a", Window: w}, Ceiling: 100}}}},
		})
		if err != nil {
			t.Fatal(err)
		}
		return reply.Record
	}
	extended, settled := hold("h1"), hold("h2")
	now = now.Add(2 * time.Second)
	server.SetTime(now)
	due, err := s.due(t.Context(), "o", 10)
	if err != nil || len(due) != 2 {
		t.Fatalf("due %v, %v", due, err)
	}
	if alive, err := s.Extend(t.Context(), extended, time.Minute); !alive || err != nil {
		t.Fatal(alive, err)
	}
	if _, err := s.Settle(t.Context(), alfred.Settlement{Record: settled, Cost: 2}); err != nil {
		t.Fatal(err)
	}
	for _, id := range due {
		if done, err := s.expire(t.Context(), "o", id); done || err != nil {
			t.Errorf("%s was reaped: %v, %v", id, done, err)
		}
	}
	if end, err := s.Settle(t.Context(), alfred.Settlement{Record: extended, Cost: 1}); end != alfred.EndSettled || err != nil {
		t.Error(end, err)
	}
}

// A member of the set without a hold, which nothing here leaves behind, does
// not stay for ever, and a record that cannot be read keeps none from being
// reaped.
func TestReaperPassesOverWhatIsBroken(t *testing.T) {
	server := miniredis.RunT(t)
	s, err := Open(t.Context(), Options{URL: "redis://" + server.Addr(), Timeout: 10 * time.Second})
	if err != nil {
		t.Fatal(err)
	}
	defer func() { _ = s.Close() }()
	for _, member := range []string{"stray", "broken"} {
		if _, err := server.ZAdd("a:{o}:rx", 1, member); err != nil {
			t.Fatal(err)
		}
	}
	if err := server.Set("a:{o}:r:broken", "R9|what"); err != nil {
		t.Fatal(err)
	}
	if n, err := s.Reap(t.Context(), "o", 10); n != 0 || alfred.ErrorCode(err) != alfred.CodeInternal {
		t.Errorf("reaped %d, %v", n, err)
	}
	if left, _ := server.ZMembers("a:{o}:rx"); !cmp.Equal(left, []string{"broken"}) {
		t.Errorf("left: %v", left)
	}
}
