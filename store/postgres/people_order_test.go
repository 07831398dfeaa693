package postgres_test

import (
	"cmp"
	"fmt"
	"math/rand/v2"
	"slices"
	"strings"
	"testing"
	"time"

	"github.com/alfred-envoy/alfred"
)

// figures is what the directory knows of one person, by hand.
type figures struct {
	user  alfred.User
	used  alfred.Credits
	quota alfred.Credits
	seen  time.Time
}

func TestTheDirectoryIsOrderedByEachFigure(t *testing.T) {
	w := newWorld(t)
	r := rand.New(rand.NewPCG(1, 2))
	withDefault := w.team("Defaulted", 0)
	fifty := 50 * alfred.Credit
	withDefault.DefaultQuota = &fifty
	w.must(w.UpdateTeam(w.ctx, withDefault))
	plain := w.team("Plain", 0)
	var all []figures
	var events []alfred.UsageEvent
	for i := range 40 {
		f := figures{quota: 200 * alfred.Credit}
		f.user = w.person(fmt.Sprintf("p%02d@example.com", (i*7)%40), func(u *alfred.User) {
			u.Name, u.CreatedAt = []string{"Åse", "bo", "Bo", "Cy", "da"}[r.IntN(5)], noon.Add(-time.Duration(r.IntN(9))*time.Hour)
			u.Status = []alfred.UserStatus{alfred.Active, alfred.Suspended}[r.IntN(2)]
			if r.IntN(3) == 0 {
				q := alfred.Credits(r.IntN(4)) * 100 * alfred.Credit
				u.Quota = &q
			}
		})
		switch r.IntN(4) {
		case 0: // the default of the team joined first counts
			w.join(withDefault.ID, f.user.ID, 0, false)
			w.join(plain.ID, f.user.ID, time.Hour, false)
			f.quota = fifty
		case 1:
			w.join(plain.ID, f.user.ID, 0, false)
			w.join(withDefault.ID, f.user.ID, time.Hour, false)
		}
		if f.user.Quota != nil {
			f.quota = *f.user.Quota
		}
		if r.IntN(3) == 0 {
			a := alfred.Adjustment{
				ID: id[alfred.AdjustmentID](t, "adj"), Org: w.org, Budget: alfred.BudgetPersonal, Subject: string(f.user.ID), Amount: -70 * alfred.Credit,
				From: noon.Add(-time.Hour), Until: november.End, Kind: alfred.AdjustManual, CreatedAt: noon,
			}
			over := a
			over.ID, over.Until = id[alfred.AdjustmentID](t, "adj"), noon // ended
			w.must(w.AddAdjustments(w.ctx, a, over))
			f.quota = (f.quota - 70*alfred.Credit).Floor0()
		}
		k := w.key(f.user.ID)
		for n := range r.IntN(3) {
			e := w.settled(fmt.Sprintf("hold_%d_%d", i, n), noon.Add(-time.Duration(r.IntN(5))*time.Hour), alfred.Credits(r.IntN(3))*10*alfred.Credit)
			e.User, e.Key = f.user.ID, k.ID
			e.Charges = []alfred.CounterAmount{{Counter: alfred.Counter{Kind: alfred.CountPersonal, Subject: string(f.user.ID), Window: november}, Amount: e.Cost}}
			events = append(events, e)
			f.used += e.Cost
			if e.At.After(f.seen) {
				f.seen = e.At
			}
		}
		all = append(all, f)
	}
	gone := w.person("gone@example.com", nil)
	w.must(w.DeleteUser(w.ctx, w.org, gone.ID, 0, noon))
	_, err := w.RecordEvents(w.ctx, events)
	w.must(err)

	percent := func(f figures) (float64, bool) { return float64(f.used) / float64(f.quota), f.quota > 0 }
	compare := map[alfred.DirectorySort]func(a, b figures) (int, bool, bool){
		alfred.SortCreated: func(a, b figures) (int, bool, bool) { return a.user.CreatedAt.Compare(b.user.CreatedAt), true, true },
		alfred.SortName: func(a, b figures) (int, bool, bool) {
			return cmp.Compare(strings.ToLower(a.user.Name), strings.ToLower(b.user.Name)), true, true
		},
		alfred.SortEmail: func(a, b figures) (int, bool, bool) { return cmp.Compare(a.user.Email, b.user.Email), true, true },
		alfred.SortUsed:  func(a, b figures) (int, bool, bool) { return cmp.Compare(a.used, b.used), true, true },
		alfred.SortQuota: func(a, b figures) (int, bool, bool) { return cmp.Compare(a.quota, b.quota), true, true },
		alfred.SortUsedPercent: func(a, b figures) (int, bool, bool) {
			x, knownX := percent(a)
			y, knownY := percent(b)
			return cmp.Compare(x, y), knownX, knownY
		},
		alfred.SortLastSeen: func(a, b figures) (int, bool, bool) {
			return a.seen.Compare(b.seen), !a.seen.IsZero(), !b.seen.IsZero()
		},
	}
	narrow := map[string]struct {
		edit func(*alfred.DirectoryQuery)
		keep func(figures) bool
	}{
		"everyone":   {func(*alfred.DirectoryQuery) {}, func(figures) bool { return true }},
		"used over":  {func(q *alfred.DirectoryQuery) { v := 12.5; q.UsedOver = &v }, func(f figures) bool { p, ok := percent(f); return ok && p > 0.125 }},
		"not seen":   {func(q *alfred.DirectoryQuery) { q.SeenBefore = noon.Add(-90 * time.Minute) }, func(f figures) bool { return f.seen.Before(noon.Add(-90 * time.Minute)) }},
		"suspended":  {func(q *alfred.DirectoryQuery) { q.Statuses = []alfred.UserStatus{alfred.Suspended} }, func(f figures) bool { return f.user.Status == alfred.Suspended }},
		"called bo":  {func(q *alfred.DirectoryQuery) { q.Query = "BO" }, func(f figures) bool { return strings.EqualFold(f.user.Name, "bo") }},
		"of nobody":  {func(q *alfred.DirectoryQuery) { q.IDs = []alfred.UserID{} }, func(figures) bool { return false }},
		"department": {func(q *alfred.DirectoryQuery) { q.Department = "dep_none" }, func(figures) bool { return false }},
	}
	for order, of := range compare {
		for name, n := range narrow {
			for _, way := range []struct {
				descending bool
				walkFrom   int // by an index, or put in order
			}{{false, 0}, {false, 1000}, {true, 0}, {true, 1000}} {
				descending := way.descending
				w.WalkFrom(way.walkFrom)
				want := slices.DeleteFunc(slices.Clone(all), func(f figures) bool { return !n.keep(f) })
				slices.SortFunc(want, func(a, b figures) int {
					c, knownA, knownB := of(a, b)
					switch {
					case knownA != knownB:
						if knownA {
							return -1
						}
						return 1
					case !knownA:
						c = 0
					case descending:
						c = -c
					}
					return cmp.Or(c, cmp.Compare(a.user.ID, b.user.ID))
				})
				q := alfred.DirectoryQuery{Sort: order, Descending: descending, Window: november, DefaultQuota: 200 * alfred.Credit, Now: noon}
				q.Limit = 7
				n.edit(&q)
				var got []alfred.DirectoryRow
				for {
					page, total, err := w.Directory(w.ctx, w.org, q)
					w.must(err)
					w.same(total, len(want))
					got = append(got, page...)
					if len(page) < q.Limit {
						break
					}
					q.After = page[len(page)-1].Cursor
				}
				if len(got) != len(want) {
					t.Fatalf("%s %+v of %s: %d people, want %d", order, way, name, len(got), len(want))
				}
				for i, row := range got {
					if f := want[i]; row.User != f.user.ID || row.Used != f.used || !row.LastSeen.Equal(f.seen) {
						t.Fatalf("%s %+v of %s: row %d is %+v, want %s used %s seen %s", order, way, name, i, row, f.user.ID, f.used, f.seen)
					}
				}
			}
		}
	}
	for _, q := range []alfred.DirectoryQuery{{Sort: "shoe"}, {UserFilter: alfred.UserFilter{After: "!"}}} {
		_, _, err := w.Directory(w.ctx, w.org, q)
		w.refused(err, alfred.CodeValidation)
	}
}
