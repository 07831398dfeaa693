package sample

import (
	"fmt"
	"math"
	"math/rand/v2"
	"time"

	"github.com/alfred-envoy/alfred"
)

// Shape says how large the organisation is and when its history ends.
type Shape struct {
	Org    alfred.OrgID
	People int
	Events int // about so many, refusals not counted
	Days   int // of history, up to Until
	Until  time.Time
	Zone   *time.Location    // whose working hours and windows it keeps
	Window alfred.WindowRule // of quotas and pools; monthly if there is none
	Seed   uint64
	Mark   string // begins the body of every id; "" has ids like those of any other
	Domain string // of the addresses
}

// World is a made-up organisation.
type World struct {
	Shape
	Departments []alfred.Department
	Teams       []alfred.Team
	Projects    []alfred.Project
	People      []Person
	Transfers   []alfred.Transfer

	random *rand.Rand
	ids    *rand.ChaCha8
	weight []float64          // of people, added up, to draw one by
	quota  []alfred.Allowance // of people, with what they gave and got
	shares []alfred.TeamShare // of teams
}

// Person is one person with a key and places in teams.
type Person struct {
	User    alfred.User
	Key     alfred.Key
	Team    int // index; -1 has none
	IsAdmin bool
	Project int // index; -1 has none
	share   float64
	models  [2]int
}

// DefaultQuota is the personal quota of everyone who has none of their own.
const DefaultQuota = 150_000 * alfred.Credit

// poolPerMember is a team's pool for each of its members.
const poolPerMember = 8_000 * alfred.Credit

// New makes an organisation up.
func New(s Shape) *World {
	if s.Zone == nil {
		s.Zone = time.UTC
	}
	if s.Window.Kind == "" {
		s.Window = alfred.WindowRule{Kind: alfred.Monthly}
	}
	var seed [32]byte
	for i := range 8 {
		seed[i] = byte(s.Seed >> (8 * i))
	}
	w := &World{Shape: s, random: rand.New(rand.NewPCG(s.Seed, 20)), ids: rand.NewChaCha8(seed)} //nolint:gosec // G404: the same every time
	born := s.Until.AddDate(0, 0, -s.Days-30)
	w.departments(born)
	w.teams(born)
	w.projects(born)
	for i := range s.People {
		w.People = append(w.People, w.person(i, born))
	}
	w.quotas()
	w.gifts()
	w.allow()
	return w
}

// id is the next id of this kind: sorted by time, and marked.
func (w *World) id(prefix string, at time.Time) string {
	body, err := alfred.ULID(at, w.ids)
	if err != nil {
		panic(err) // ChaCha8 always reads
	}
	return prefix + "_" + w.Mark + body[len(w.Mark):]
}

func (w *World) departments(born time.Time) {
	n := min(len(departments), 3+w.Shape.People/200)
	for i, name := range departments[:n] {
		w.Departments = append(w.Departments, alfred.Department{
			ID: alfred.DepartmentID(w.id("dep", born)), Org: w.Org, Name: name, CostCenter: fmt.Sprintf("CC-%d", 4100+10*i), Version: 1, CreatedAt: born, UpdatedAt: born,
		})
	}
}

// teamSize is how many people a team has, on average.
const teamSize = 24

func (w *World) teams(born time.Time) {
	for i := range max(3, w.Shape.People/teamSize) {
		d := w.Departments[i%len(w.Departments)]
		name := fmt.Sprintf("%s %s", d.Name, teamWords[(i/len(w.Departments))%len(teamWords)])
		if round := i / len(w.Departments) / len(teamWords); round > 0 {
			name += fmt.Sprintf(" %d", round+1)
		}
		w.Teams = append(w.Teams, alfred.Team{
			ID: alfred.TeamID(w.id("team", born)), Org: w.Org, Department: d.ID, Name: name, Description: "Works on " + topics[w.random.IntN(len(topics))] + ".",
			Version: 1, CreatedAt: born, UpdatedAt: born,
		})
	}
}

func (w *World) projects(born time.Time) {
	for i := range max(2, min(60, w.Shape.People/40)) {
		code := fmt.Sprintf("%s-%d", projectWords[i%len(projectWords)], 1+i/len(projectWords))
		w.Projects = append(w.Projects, alfred.Project{
			ID: alfred.ProjectID(w.id("prj", born)), Org: w.Org, Code: code, Name: code, Active: true, Version: 1, CreatedAt: born, UpdatedAt: born,
		})
	}
}

func (w *World) person(i int, born time.Time) Person {
	r := w.random
	first, last := firstNames[r.IntN(len(firstNames))], lastNames[r.IntN(len(lastNames))]
	joined := born.Add(time.Duration(r.Int64N(int64(25 * 24 * time.Hour))))
	p := Person{Team: -1, Project: -1, share: math.Exp(1.1 * r.NormFloat64())}
	user := alfred.User{
		ID: alfred.UserID(w.id("usr", joined)), Org: w.Org, Email: fmt.Sprintf("%s.%s%d@%s", plain(first), plain(last), i+1, w.Domain), Name: first + " " + last,
		Status: alfred.Active, Access: alfred.RoleMember, Version: 1, CreatedAt: joined, UpdatedAt: joined,
	}
	if r.IntN(100) > 0 { // some belong to no team yet
		p.Team = i % len(w.Teams)
		user.Department = w.Teams[p.Team].Department
		p.IsAdmin = i < len(w.Teams)
	}
	if r.IntN(4) == 0 {
		p.Project = r.IntN(len(w.Projects))
	}
	switch n := r.IntN(1000); {
	case n < 25:
		user.Status, user.VacationStart = alfred.OnVacation, w.Until.AddDate(0, 0, -r.IntN(10)-1)
		user.VacationUntil = w.Until.AddDate(0, 0, r.IntN(14)+1)
	case n < 37:
		user.Status = alfred.Suspended
	}
	p.models = [2]int{pick(r, models), pick(r, models)}
	secret := w.id("key", joined)
	p.Key = alfred.Key{
		ID: alfred.KeyID(secret), Org: w.Org, User: user.ID, Name: "first key", Hash: "sample:" + secret, Prefix: "tp-" + secret[len(secret)-5:], Last4: secret[len(secret)-4:],
		Status: alfred.KeyActive, CreatedAt: joined,
	}
	p.User = user
	return p
}

// quotas gives those who use much a quota of their own, near what they use,
// and each team a pool.
func (w *World) quotas() {
	sum := 0.0
	for i := range w.People {
		sum += w.People[i].share
		w.weight = append(w.weight, sum)
	}
	perMonth := float64(w.Events) * 30 / float64(max(w.Shape.Days, 1)) * meanTokens / sum
	members := make([]int, len(w.Teams))
	for i := range w.People {
		p := &w.People[i]
		if expected := p.share * perMonth; expected > 0.6*float64(DefaultQuota/alfred.Credit) || w.random.IntN(20) == 0 {
			thousands := math.Ceil(expected * (0.7 + 1.1*w.random.Float64()) / 5000)
			q := alfred.Credits(max(5, thousands*5)) * 1000 * alfred.Credit
			p.User.Quota = &q
		}
		if p.Team >= 0 {
			members[p.Team]++
		}
	}
	for i, n := range members {
		w.Teams[i].CommonPool = alfred.Credits(n) * poolPerMember
	}
}

// gifts are transfers between colleagues, one for every fifty people.
func (w *World) gifts() {
	r := w.random
	for range w.Shape.People / 50 {
		from, to := r.IntN(len(w.People)), r.IntN(len(w.People))
		at := w.Until.Add(-time.Duration(r.Int64N(int64(time.Duration(max(w.Shape.Days, 1)) * 24 * time.Hour)))).Truncate(time.Second)
		window, err := w.Shape.Window.At(at, w.Zone)
		if from == to || err != nil || w.People[to].User.Status == alfred.Suspended {
			continue
		}
		w.Transfers = append(w.Transfers, alfred.Transfer{
			ID: alfred.TransferID(w.id("trf", at)), Org: w.Org, Move: alfred.MoveID(w.id("mov", at)), Kind: alfred.TransferGiven, Sender: w.People[from].User.ID, Recipient: w.People[to].User.ID,
			Amount: alfred.Credits(1+r.IntN(20)) * 250 * alfred.Credit, Reason: reasons[r.IntN(len(reasons))], Window: window, CreatedAt: at,
		})
	}
}

// allow works out who may spend how much: quotas with the transfers, and each
// active member's part of a pool.
func (w *World) allow() {
	place := map[string]int{}
	for i, p := range w.People {
		quota := DefaultQuota
		if p.User.Quota != nil {
			quota = *p.User.Quota
		}
		w.quota, place[string(p.User.ID)] = append(w.quota, alfred.Allowance{Base: quota}), i
	}
	for _, a := range w.Adjustments() {
		q := &w.quota[place[a.Subject]]
		q.Dated = append(q.Dated, alfred.DatedAmount{Amount: a.Amount, From: a.From, Until: a.Until})
	}
	for _, t := range w.Teams {
		w.shares = append(w.shares, alfred.TeamShare{Name: t.Name, Pool: alfred.Allowance{Base: t.CommonPool}})
	}
	for _, p := range w.People {
		if p.Team < 0 {
			continue
		}
		t := &w.shares[p.Team]
		if p.IsAdmin {
			t.Ask = p.User.Email
		}
		if p.User.Status == alfred.Active {
			t.Active++
		}
	}
}

// Adjustments book the transfers.
func (w *World) Adjustments() (out []alfred.Adjustment) {
	for _, t := range w.Transfers {
		for _, a := range t.Adjustments() {
			// No live counter has it: the limit that is published leaves it out.
			a.OnCounter = false
			a.ID = alfred.AdjustmentID(w.id("adj", t.CreatedAt))
			out = append(out, a)
		}
	}
	return out
}

// Members are the places in teams.
func (w *World) Members() (out []alfred.Member) {
	for _, p := range w.People {
		if p.Team >= 0 {
			out = append(out, alfred.Member{Team: w.Teams[p.Team].ID, User: p.User.ID, IsAdmin: p.IsAdmin, JoinedAt: p.User.CreatedAt})
		}
	}
	return out
}
