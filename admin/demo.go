package admin

import (
	"context"
	"slices"
	"strings"
	"time"

	"github.com/oapi-codegen/nullable"

	"github.com/alfred-envoy/alfred"
	"github.com/alfred-envoy/alfred/admin/api"
	"github.com/alfred-envoy/alfred/admin/sample"
)

// demoMark begins the body of every id of the demo data: a time that never
// comes, so that no other id has it. The schema knows it too.
const demoMark = "7ZDEM0"

func isDemo(id string) bool {
	_, body, _ := strings.Cut(id, "_")
	return strings.HasPrefix(body, demoMark)
}

// marked is what the API says of what is part of the demo data.
func marked(id string) *bool {
	if !isDemo(id) {
		return nil
	}
	return new(true)
}

// demo is what there is of the demo data.
func (s *server) demo(ctx context.Context) (api.Demo, error) {
	found, err := s.Records.Demo(ctx, callOf(ctx).actor.Org)
	return api.Demo{Present: found.People > 0, People: found.People, Teams: found.Teams, Requests: found.Requests, CreatedAt: orNull(found.CreatedAt)}, err
}

// GetDemo tells whether there is demo data.
func (s *server) GetDemo(ctx context.Context, _ api.GetDemoRequestObject) (api.GetDemoResponseObject, error) {
	out, err := s.demo(ctx)
	return api.GetDemo200JSONResponse(out), err
}

// demoUsed is what the demo data used of what an overview shows, null when none
// of it is among that.
func (s *server) demoUsed(ctx context.Context, snap *snapshot, of scope, window alfred.Window) (nullable.Nullable[alfred.Credits], error) {
	none := nullable.NewNullNullable[alfred.Credits]()
	teams := slices.DeleteFunc(slices.Clone(of.teams), func(t alfred.TeamID) bool { return !isDemo(string(t)) })
	if of.department != "" || of.teams != nil && len(teams) == 0 {
		return none, nil
	}
	used, present, err := s.Records.DemoUsed(ctx, snap.org.ID, teams, window)
	if err != nil || !present {
		return none, err
	}
	return nullable.NewNullableWithValue(used), nil
}

// CreateDemo adds demo data: people without keys, teams, and what they used, all
// of it in the record alone. It is added once.
func (s *server) CreateDemo(ctx context.Context, _ api.CreateDemoRequestObject) (api.CreateDemoResponseObject, error) {
	org := callOf(ctx).actor.Org
	snap, err := s.snapshotOf(ctx, org, nil)
	if err != nil {
		return nil, err
	}
	world := sample.New(sample.Shape{
		Org: org, People: 48, Events: 2400, Days: 40, Until: snap.now.Truncate(time.Minute), Zone: snap.zone, Window: snap.org.Settings.Window, Seed: 7, Mark: demoMark, Domain: "demo.example",
	})
	err = s.write(ctx, org, func(ctx context.Context, w *change) error {
		if err := s.Records.Lock(ctx, "demo:"+string(org)); err != nil {
			return err
		}
		if found, err := s.Records.Demo(ctx, org); err != nil || found.People > 0 {
			if err == nil {
				err = alfred.Errorf(alfred.CodeConflict, "There is demo data already: remove it first.")
			}
			return err
		}
		for _, t := range world.Teams {
			t.Department = ""
			if err := s.Records.CreateTeam(ctx, t); err != nil {
				return err
			}
		}
		for _, p := range world.People {
			u := p.User
			u.Department = ""
			if u.Quota == nil { // theirs, and not what everybody has here
				quota := sample.DefaultQuota
				u.Quota = &quota
			}
			if u.Status == alfred.OnVacation { // credits would be moved for them
				u.Status, u.VacationStart, u.VacationUntil = alfred.Active, time.Time{}, time.Time{}
			}
			if err := s.Records.CreateUser(ctx, u); err != nil {
				return err
			}
		}
		for _, m := range world.Members() {
			if _, err := s.Records.PutMember(ctx, org, m); err != nil {
				return err
			}
		}
		w.audit("demo.create", string(org), nil, map[string]any{"people": len(world.People), "teams": len(world.Teams)})
		w.publishCatalog()
		for day := range world.Days() {
			for i := range day {
				e := &day[i]
				e.Department, e.Project, e.Key = "", "", ""
				e.Charges = slices.DeleteFunc(e.Charges, func(c alfred.CounterAmount) bool {
					return c.Counter.Kind == alfred.CountDept || c.Counter.Kind == alfred.CountProject || c.Counter.Kind == alfred.CountKey
				})
			}
			if _, err := s.Records.RecordEvents(ctx, day); err != nil {
				return err
			}
		}
		return nil
	})
	if err != nil {
		return nil, err
	}
	out, err := s.demo(ctx)
	return api.CreateDemo201JSONResponse(out), err
}

// DeleteDemo removes all demo data, and what was done with it: keys that its
// people were given, and credits that they were moved. A service account of
// its teams is real, and has to go to another team first.
func (s *server) DeleteDemo(ctx context.Context, _ api.DeleteDemoRequestObject) (api.DeleteDemoResponseObject, error) {
	org := callOf(ctx).actor.Org
	var keys []string
	err := s.write(ctx, org, func(ctx context.Context, w *change) error {
		if err := s.Records.Lock(ctx, "demo:"+string(org)); err != nil {
			return err
		}
		found, err := s.Records.Demo(ctx, org)
		if err != nil || found.People == 0 {
			return err
		}
		if err := s.demoOwnsNoService(ctx, org); err != nil {
			return err
		}
		if keys, err = s.demoKeys(ctx, org); err != nil {
			return err
		}
		w.audit("demo.delete", string(org), map[string]any{"people": found.People, "teams": found.Teams}, nil)
		w.publishCatalog()
		if err := s.Records.RemoveDemo(ctx, org); err != nil || w.call.dryRun {
			return err
		}
		// No row is left that could be published as revoked. Before the commit,
		// so that a key never outlives its person.
		return s.endKeys(ctx, keys)
	})
	if err == nil {
		// Once more: a publication that had begun before may have come between.
		err = s.endKeys(ctx, keys)
	}
	if err != nil {
		return nil, err
	}
	return api.DeleteDemo204Response{}, nil
}

// demoKeys are the hashes of the keys that people of the demo data have.
func (s *server) demoKeys(ctx context.Context, org alfred.OrgID) ([]string, error) {
	// Their ids lie side by side, behind everybody else's.
	people, err := s.Records.Users(ctx, org, alfred.UserFilter{After: "usr_" + demoMark})
	if err != nil {
		return nil, err
	}
	var ids []alfred.UserID
	for _, u := range people {
		if isDemo(string(u.ID)) {
			ids = append(ids, u.ID)
		}
	}
	found, err := s.Records.UserDirectory(ctx, org, ids, s.Now())
	var out []string
	for _, d := range found {
		for _, k := range d.Keys {
			out = append(out, k.Hash)
		}
	}
	return out, err
}

// endKeys publishes keys as revoked whose rows are gone.
func (s *server) endKeys(ctx context.Context, hashes []string) error {
	ended := map[string]*alfred.Principal{}
	for _, hash := range hashes {
		p, err := s.Live.Principal(ctx, hash)
		if err != nil {
			return err
		}
		if p != nil {
			gone := *p
			gone.KeyStatus = alfred.KeyRevoked
			gone.Version++
			ended[hash] = &gone
		}
	}
	if len(ended) == 0 {
		return nil
	}
	return s.Live.PublishPrincipals(ctx, ended)
}

func (s *server) demoOwnsNoService(ctx context.Context, org alfred.OrgID) error {
	services, err := s.Records.Users(ctx, org, alfred.UserFilter{Kind: alfred.KindService})
	if err != nil {
		return err
	}
	for _, u := range services {
		owners, err := s.Records.Memberships(ctx, org, u.ID)
		if err != nil {
			return err
		}
		if len(owners) > 0 && isDemo(string(owners[0].Team)) {
			return alfred.Errorf(alfred.CodeConflict, "A team of the demo data owns the service account %s: give it to another team or delete it first.", u.Name)
		}
	}
	return nil
}
