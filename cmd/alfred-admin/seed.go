package main

import (
	"context"
	"flag"
	"fmt"
	"io"
	"sync/atomic"
	"time"

	"github.com/alfred-envoy/alfred"
	"github.com/alfred-envoy/alfred/admin"
	"github.com/alfred-envoy/alfred/admin/sample"
	"github.com/alfred-envoy/alfred/store/postgres"
)

// seedSize is how large an organisation seed makes.
type seedSize struct {
	People, Events, Days int
	Seed                 uint64
}

func (s *seedSize) flags(f *flag.FlagSet) {
	f.IntVar(&s.People, "people", s.People, "how many people")
	f.IntVar(&s.Events, "events", s.Events, "how many requests, about")
	f.IntVar(&s.Days, "days", s.Days, "how many days of history")
	f.Uint64Var(&s.Seed, "seed", s.Seed, "another organisation for another number")
}

// seed fills an installation in which nothing was used yet, and prints a key
// of its owner. The same size and seed give the same organisation, up to the
// day it ends on.
func seed(ctx context.Context, app admin.Config, records *postgres.Store, size seedSize, settings alfred.Settings, out io.Writer) error {
	if size.People < 10 || size.Events < 0 || size.Days < 1 || size.Days > 400 {
		return fmt.Errorf("seed: at least 10 people, and 1 to 400 days")
	}
	start := time.Now()
	settings.DefaultPersonalQuota = sample.DefaultQuota
	if err := admin.Setup(ctx, records, settings, start, app.Entropy); err != nil {
		return err
	}
	orgs, err := records.Organizations(ctx)
	if err != nil {
		return err
	}
	org := orgs[0]
	used, _, err := records.Usage(ctx, org.ID, alfred.UsageFilter{Limit: 1})
	if err != nil {
		return err
	}
	if len(used) > 0 {
		return fmt.Errorf("seed: this installation has a history already; make reset starts afresh")
	}
	if org.Settings.DefaultPersonalQuota != sample.DefaultQuota {
		org.Settings.DefaultPersonalQuota = sample.DefaultQuota
		if err := records.UpdateOrganization(ctx, org); err != nil {
			return err
		}
	}
	zone, err := alfred.Zone(org.Settings.Zone)
	if err != nil {
		return err
	}
	world := sample.New(sample.Shape{
		Org: org.ID, People: size.People, Events: size.Events, Days: size.Days, Until: start.UTC().Truncate(time.Minute), Zone: zone, Seed: size.Seed, Domain: "example.com",
	})
	crowd := crowdOf(world)
	owners, err := records.CountOwners(ctx, org.ID)
	if err != nil {
		return err
	}
	if owners == 0 {
		crowd.Users[0].Access, crowd.Users[0].Status = alfred.RoleOwner, alfred.Active
		if err := records.MarkBootstrapped(ctx, start); err != nil {
			return err
		}
	}
	if err := records.LoadPeople(ctx, org.ID, crowd); err != nil {
		return err
	}
	_, _ = fmt.Fprintf(out, "%d people in %d teams after %s\n", len(crowd.Users), len(crowd.Teams), since(start))
	var loaded, days atomic.Int64
	err = records.LoadHistory(ctx, org.ID, world.Days(), func(n int) {
		if total, d := loaded.Add(int64(n)), days.Add(1); d%10 == 0 {
			_, _ = fmt.Fprintf(out, "%d events after %s\n", total, since(start))
		}
	})
	if err != nil {
		return err
	}
	if err := admin.Republish(ctx, records, time.Now()); err != nil {
		return err
	}
	owner, secret, err := admin.RecoverOwner(ctx, app, "")
	if err != nil {
		return err
	}
	_, err = fmt.Fprintf(out, "%d events after %s. A key for %s, shown once:\n%s\n", loaded.Load(), since(start), owner.Email, secret)
	return err
}

func since(start time.Time) time.Duration { return time.Since(start).Round(100 * time.Millisecond) }

// crowdOf is a made-up organisation as the record takes it.
func crowdOf(w *sample.World) postgres.Crowd {
	c := postgres.Crowd{
		Departments: w.Departments, Teams: w.Teams, Projects: w.Projects, Members: w.Members(), Transfers: w.Transfers, Adjustments: w.Adjustments(),
		InProjects: map[alfred.UserID]alfred.ProjectID{},
	}
	for _, p := range w.People {
		c.Users, c.Keys = append(c.Users, p.User), append(c.Keys, p.Key)
		if p.Project >= 0 {
			c.InProjects[p.User.ID] = w.Projects[p.Project].ID
		}
	}
	return c
}
