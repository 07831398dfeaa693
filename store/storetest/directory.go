package storetest

import (
	"context"
	"slices"
	"testing"
	"time"

	"github.com/google/go-cmp/cmp"

	"github.com/alfred-envoy/alfred"
	"github.com/alfred-envoy/alfred/store"
)

// RunDirectory puts a directory through the contract.
func RunDirectory(t *testing.T, open func(testing.TB) Directory) {
	catalog := func(org alfred.OrgID, version int64, name string) *alfred.Catalog {
		return &alfred.Catalog{
			Org: org, Version: version, Name: name, Settings: alfred.DefaultSettings(), Card: alfred.DefaultRateCard(),
			Models: []alfred.Model{{Name: "m", Provider: "mock", MaxOutput: 100}},
			Teams:  map[alfred.TeamID]alfred.TeamShare{"team_1": {Name: `"version":99`, Active: 2}},
			Limits: []alfred.Limit{{Scope: alfred.ScopeOrganization, Subject: string(org), Metric: alfred.MetricCredits, Credits: alfred.MaxCredits, Mode: alfred.Enforce}},
		}
	}
	org := func(t *testing.T) alfred.OrgID { return alfred.OrgID(unique(t, "org")) }

	t.Run("what was never published is nil", func(t *testing.T) {
		d := open(t)
		c, err := d.Catalog(t.Context(), org(t))
		if c != nil || err != nil {
			t.Errorf("catalog %v, %v", c, err)
		}
		p, err := d.Principal(t.Context(), unique(t, "hash"))
		if p != nil || err != nil {
			t.Errorf("principal %v, %v", p, err)
		}
	})
	t.Run("a catalog is read as it was published, and its organisation is listed", func(t *testing.T) {
		d, id := open(t), org(t)
		want := catalog(id, 3, "one")
		publish(t, d.PublishCatalog(t.Context(), want), "")
		got, err := d.Catalog(t.Context(), id)
		if err != nil {
			t.Fatal(err)
		}
		if diff := cmp.Diff(want, got); diff != "" {
			t.Errorf("catalog (-published +read):\n%s", diff)
		}
		orgs, err := d.Orgs(t.Context())
		if err != nil || !slices.Contains(orgs, id) || !slices.IsSorted(orgs) {
			t.Errorf("organisations %v, %v", orgs, err)
		}
	})
	t.Run("an older catalog does not replace a newer one; the same version does", func(t *testing.T) {
		d, id := open(t), org(t)
		publish(t, d.PublishCatalog(t.Context(), catalog(id, 10, "ten")), "")
		publish(t, d.PublishCatalog(t.Context(), catalog(id, 9, "nine")), alfred.CodeStaleVersion)
		if c, _ := d.Catalog(t.Context(), id); c.Name != "ten" {
			t.Errorf("stands: %s", c.Name)
		}
		publish(t, d.PublishCatalog(t.Context(), catalog(id, 10, "ten again")), "")
		if c, _ := d.Catalog(t.Context(), id); c.Name != "ten again" {
			t.Errorf("stands: %s", c.Name)
		}
	})
	t.Run("principals: newer replace, older are left out, the rest is published", func(t *testing.T) {
		d, id := open(t), org(t)
		a, b := unique(t, "hash"), unique(t, "hash")
		record := func(v int64) *alfred.Principal {
			return &alfred.Principal{Org: id, Version: v, Key: "key_1", KeyStatus: alfred.KeyActive, User: "usr_1", Teams: []alfred.TeamID{"team_1"}}
		}
		publish(t, d.PublishPrincipals(t.Context(), map[string]*alfred.Principal{a: record(5)}), "")
		publish(t, d.PublishPrincipals(t.Context(), map[string]*alfred.Principal{a: record(4), b: record(4)}), alfred.CodeStaleVersion)
		for hash, want := range map[string]int64{a: 5, b: 4} {
			got, err := d.Principal(t.Context(), hash)
			if err != nil {
				t.Fatal(err)
			}
			if diff := cmp.Diff(record(want), got); diff != "" {
				t.Errorf("principal (-published +read):\n%s", diff)
			}
		}
	})
	t.Run("a withdrawn credential stands as revoked, for a day, and a late publication does not bring it back", func(t *testing.T) {
		d, id := open(t), org(t)
		withdrawn, revoked := unique(t, "hash"), unique(t, "hash")
		active := &alfred.Principal{Org: id, Version: 5, KeyStatus: alfred.KeyActive}
		publish(t, d.PublishPrincipals(t.Context(), map[string]*alfred.Principal{withdrawn: active, revoked: active}), "")
		publish(t, d.PublishPrincipals(t.Context(), map[string]*alfred.Principal{withdrawn: nil, revoked: {Org: id, Version: 6, KeyStatus: alfred.KeyRevoked}}), "")
		publish(t, d.PublishPrincipals(t.Context(), map[string]*alfred.Principal{withdrawn: active}), alfred.CodeStaleVersion)
		for _, hash := range []string{withdrawn, revoked} {
			p, err := d.Principal(t.Context(), hash)
			if err != nil || p == nil || p.KeyStatus != alfred.KeyRevoked || p.Version != 6 || p.Refusal(time.Now()) == nil {
				t.Errorf("principal %+v, %v", p, err)
			}
		}
		if clock, ok := clockOf(d); ok {
			clock.Advance(24*time.Hour + time.Millisecond)
			for _, hash := range []string{withdrawn, revoked} {
				if p, err := d.Principal(t.Context(), hash); p != nil || err != nil {
					t.Errorf("a day later: %+v, %v", p, err)
				}
			}
		}
	})
	t.Run("who watches is told that changes may have been missed, then each change", func(t *testing.T) {
		d, id := open(t), org(t)
		ctx, stop := context.WithCancel(t.Context())
		changes, ended := make(chan store.Change, 100), make(chan error, 1)
		go func() { ended <- d.Watch(ctx, func(c store.Change) { changes <- c }) }()
		await(t, changes, store.Change{})
		publish(t, d.PublishCatalog(t.Context(), catalog(id, 3, "one")), "")
		await(t, changes, store.Change{Org: id, Version: 3})
		hash := unique(t, "hash")
		publish(t, d.PublishPrincipals(t.Context(), map[string]*alfred.Principal{hash: {Org: id, Version: 7, KeyStatus: alfred.KeyActive}}), "")
		await(t, changes, store.Change{Org: id, Version: 7, KeyHash: hash})
		publish(t, d.PublishPrincipals(t.Context(), map[string]*alfred.Principal{hash: nil}), "")
		await(t, changes, store.Change{Version: 8, KeyHash: hash})
		stop()
		select {
		case <-ended: //nolint:errcheck // that it ends is what counts
		case <-time.After(20 * time.Second):
			t.Error("watching did not end with its context")
		}
	})
}

func publish(t testing.TB, err error, want alfred.Code) {
	t.Helper()
	if got := alfred.ErrorCode(err); got != want {
		t.Fatalf("publish: %v, expected code %q", err, want)
	}
}

// await passes over what others publish.
func await(t testing.TB, changes <-chan store.Change, want store.Change) {
	t.Helper()
	deadline := time.After(20 * time.Second)
	for {
		select {
		case got := <-changes:
			if got == want {
				return
			}
		case <-deadline:
			t.Fatalf("never told of %+v", want)
		}
	}
}
