package alfred_test

import (
	"testing"
	"time"

	"pgregory.net/rapid"

	"github.com/alfred-envoy/alfred"
)

// model is an organisation of one team and some people, in one window, kept
// as plain sums: what the rules of release, return and transfer must keep.
type model struct {
	window      alfred.Window
	pool        alfred.Credits
	percent     int
	people      []person
	adjustments []alfred.Adjustment
	poolSpent   alfred.Credits
	poolOut     alfred.Credits
}

type person struct {
	base, spent, out alfred.Credits
	released         alfred.Credits
	away             bool
}

func (m *model) limit(kind alfred.BudgetKind, subject string, base alfred.Credits) alfred.Credits {
	var mine []alfred.Adjustment
	for _, a := range m.adjustments {
		if a.Budget == kind && a.Subject == subject {
			mine = append(mine, a)
		}
	}
	return alfred.Publish(base, mine, m.window.Start).At(m.window.Start)
}

func name(i int) string { return string(rune('a' + i)) }

func (m *model) available(i int) alfred.Credits {
	p := m.people[i]
	return (m.limit(alfred.BudgetPersonal, name(i), p.base) - p.spent - p.out).Floor0()
}

func (m *model) poolLeft() alfred.Credits {
	return (m.limit(alfred.BudgetPool, "team", m.pool) - m.poolSpent - m.poolOut).Floor0()
}

func (m *model) move(from, to alfred.BudgetKind, fromSubject, toSubject string, amount alfred.Credits) {
	out := alfred.Adjustment{Budget: from, Subject: fromSubject, Amount: -amount, From: m.window.Start, Until: m.window.End, OnCounter: true}
	in := alfred.Adjustment{Budget: to, Subject: toSubject, Amount: amount, From: m.window.Start, Until: m.window.End}
	m.adjustments = append(m.adjustments, out, in)
}

// Whatever order people leave, return, give, and spend in: no credit appears
// or vanishes, and nobody's limit goes below what was spent from it.
func TestVacationAndTransfersConserve(t *testing.T) {
	rapid.Check(t, func(t *rapid.T) {
		m := &model{
			window:  alfred.Window{Start: time.Unix(0, 0), End: time.Unix(1e6, 0)},
			pool:    alfred.Credits(rapid.Int64Range(0, 20_000).Draw(t, "pool")) * c,
			percent: rapid.IntRange(0, 100).Draw(t, "percent"),
		}
		var total alfred.Credits
		for range rapid.IntRange(1, 5).Draw(t, "people") {
			base := alfred.Credits(rapid.Int64Range(0, 3000).Draw(t, "quota")) * c
			m.people = append(m.people, person{base: base})
			total += base
		}
		total += m.pool
		pick := func() int { return rapid.IntRange(0, len(m.people)-1).Draw(t, "who") }
		draw := func(most alfred.Credits) alfred.Credits {
			return alfred.Credits(rapid.Int64Range(0, int64(most)).Draw(t, "amount"))
		}
		t.Repeat(map[string]func(*rapid.T){
			"leave": func(t *rapid.T) {
				i := pick()
				if m.people[i].away {
					return
				}
				var released alfred.Credits
				for _, p := range m.people {
					released += p.released
				}
				amount := alfred.ReleaseAmount(m.available(i), m.pool, m.percent, released)
				m.move(alfred.BudgetPersonal, alfred.BudgetPool, name(i), "team", amount)
				m.people[i].out += amount
				m.people[i].released, m.people[i].away = amount, true
			},
			"return": func(t *rapid.T) {
				i := pick()
				if !m.people[i].away {
					return
				}
				amount := alfred.ReturnAmount(m.people[i].released, m.poolLeft())
				m.move(alfred.BudgetPool, alfred.BudgetPersonal, "team", name(i), amount)
				m.poolOut += amount
				m.people[i].released, m.people[i].away = 0, false
			},
			"transfer": func(t *rapid.T) {
				i, j := pick(), pick()
				amount := draw(m.available(i)).Whole()
				if i == j || amount < c {
					return
				}
				m.move(alfred.BudgetPersonal, alfred.BudgetPersonal, name(i), name(j), amount)
				m.people[i].out += amount
			},
			"spend":           func(t *rapid.T) { i := pick(); m.people[i].spent += draw(m.available(i)) },
			"spend from pool": func(t *rapid.T) { m.poolSpent += draw(m.poolLeft()) },
			"": func(t *rapid.T) {
				var released, sum, inAndOut alfred.Credits
				for i, p := range m.people {
					sum += m.available(i) + p.spent
					released += p.released
				}
				sum += m.poolLeft() + m.poolSpent
				if sum != total {
					t.Fatalf("%s of %s credits are there", sum, total)
				}
				if released > m.pool.Percent(m.percent) {
					t.Fatalf("%s released, above %d%% of %s", released, m.percent, m.pool)
				}
				for _, a := range m.adjustments {
					inAndOut += a.Amount
				}
				if inAndOut != 0 {
					t.Fatalf("the moves sum to %s", inAndOut)
				}
			},
		})
	})
}

// The guide's numbers fit: with 1,000, 10,000 and 10 % the release is exactly
// one default quota.
func TestGuideVacation(t *testing.T) {
	if got := alfred.ReleaseAmount(1000*c, 10_000*c, 10, 0); got != 1000*c {
		t.Errorf("released %s, want 1000", got)
	}
	if got := alfred.ReleaseAmount(1000*c, 10_000*c, 10, 600*c); got != 400*c {
		t.Errorf("second to leave releases %s, want 400", got)
	}
	if got := alfred.ReturnAmount(1000*c, 300*c); got != 300*c {
		t.Errorf("returns %s, want the 300 that are unspent", got)
	}
}

func TestAdjustmentsEndOnTime(t *testing.T) {
	from, until := time.Unix(1000, 0), time.Unix(2000, 0)
	a := alfred.Adjustment{Amount: 500 * c, From: from, Until: until}
	for when, want := range map[time.Time]alfred.Credits{from.Add(-1): 100 * c, from: 600 * c, until.Add(-1): 600 * c, until: 100 * c} {
		if got := alfred.Effective(100*c, []alfred.Adjustment{a}, when); got != want {
			t.Errorf("at %s: %s, want %s", when, got, want)
		}
		if got := alfred.Publish(100*c, []alfred.Adjustment{a}, from).At(when); got != want {
			t.Errorf("published, at %s: %s, want %s", when, got, want)
		}
	}
	if got := alfred.Effective(100*c, []alfred.Adjustment{{Amount: -500 * c}}, from); got != 0 {
		t.Errorf("a limit below nothing is %s, want 0", got)
	}
	if got := alfred.Publish(100*c, []alfred.Adjustment{{Amount: -50 * c, OnCounter: true}}, from).At(from); got != 100*c {
		t.Errorf("an outflow on the counter was published: %s", got)
	}
}

func TestQuotaComesFromTheNarrowestLevel(t *testing.T) {
	zero, five := alfred.Credits(0), 5*c
	user, team, org := alfred.Source{Level: "user"}, alfred.Source{Level: "team"}, alfred.Source{Level: "organization"}
	for _, test := range []struct {
		user, team *alfred.Credits
		want       alfred.Credits
		source     alfred.Source
	}{{&zero, &five, 0, user}, {nil, &zero, 0, team}, {nil, nil, 5 * c, org}} {
		got, source := alfred.ResolveQuota(alfred.InheritedQuota{Source: user, Value: test.user}, alfred.InheritedQuota{Source: team, Value: test.team}, alfred.InheritedQuota{Source: org, Value: &five})
		if got != test.want || source != test.source {
			t.Errorf("got %s from %v, want %s from %v", got, source, test.want, test.source)
		}
	}
}

func TestTransferRules(t *testing.T) {
	s := alfred.DefaultSettings()
	sender := alfred.Actor{User: "usr_1", Access: alfred.RoleMember}
	colleague := alfred.User{ID: "usr_2", Status: alfred.Active, Email: "b@company.com"}
	for name, test := range map[string]struct {
		change func(*alfred.Settings, *alfred.User)
		amount alfred.Credits
		want   alfred.Code
	}{
		"500":               {amount: 500 * c},
		"the free limit":    {amount: 5000 * c},
		"above it":          {amount: 5000*c + 1, want: alfred.CodeNeedsApproval},
		"nothing":           {amount: 0, want: alfred.CodeValidation},
		"less than one":     {amount: c - 1, want: alfred.CodeValidation},
		"negative":          {amount: -c, want: alfred.CodeValidation},
		"absurd":            {amount: alfred.MaxCredits + 1, want: alfred.CodeValidation},
		"to oneself":        {change: func(_ *alfred.Settings, u *alfred.User) { u.ID = "usr_1" }, amount: c, want: alfred.CodeValidation},
		"to the suspended":  {change: func(_ *alfred.Settings, u *alfred.User) { u.Status = alfred.Suspended }, amount: c, want: alfred.CodeRecipient},
		"to someone away":   {change: func(_ *alfred.Settings, u *alfred.User) { u.Status = alfred.OnVacation }, amount: c},
		"where admins only": {change: func(s *alfred.Settings, _ *alfred.User) { s.TransfersBy = alfred.TransfersByAdmins }, amount: c, want: alfred.CodeForbidden},
	} {
		settings, recipient := s, colleague
		if test.change != nil {
			test.change(&settings, &recipient)
		}
		if got := alfred.ErrorCode(alfred.CheckTransfer(settings, sender, recipient, test.amount)); got != test.want {
			t.Errorf("%s: %q, want %q", name, got, test.want)
		}
	}
	pair := alfred.Transfer{Sender: "usr_1", Recipient: "usr_2", Amount: 500 * c}.Adjustments()
	if pair[0].Amount+pair[1].Amount != 0 || !pair[0].OnCounter || pair[1].OnCounter {
		t.Errorf("the pair of a transfer: %+v", pair)
	}
}
