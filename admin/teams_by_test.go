package admin

import (
	"slices"
	"testing"

	"github.com/oapi-codegen/nullable"

	"github.com/alfred-envoy/alfred"
	"github.com/alfred-envoy/alfred/admin/api"
)

func TestTeamsAreOrdered(t *testing.T) {
	team := func(name string, pool, used alfred.Credits, active int, ratio ...float64) api.Team {
		t := api.Team{
			Id: "team_" + name, Name: name, EffectivePool: pool * alfred.Credit, PoolUsed: used * alfred.Credit, PoolAvailable: (pool - used) * alfred.Credit,
			PoolSharing: alfred.SharingEqual, MemberCount: active + 1, ActiveCount: active, AgainstMedian: nullable.NewNullNullable[float64](),
		}
		if len(ratio) > 0 {
			t.AgainstMedian = nullable.NewNullableWithValue(ratio[0])
		}
		return t
	}
	open := team("delta", 400, 390, 1)
	open.PoolSharing = alfred.SharingOpen
	all := []api.Team{team("Bravo", 100, 50, 3, 1.2), team("alpha", 0, 0, 0), team("charlie", 300, 10, 2, 0.8), open}
	for _, c := range []struct {
		by    api.TeamSort
		query string
		want  []string
	}{
		{api.TeamSortName, "", []string{"alpha", "Bravo", "charlie", "delta"}},
		{api.TeamSortMinusName, "", []string{"delta", "charlie", "Bravo", "alpha"}},
		{api.TeamSortName, "A", []string{"alpha", "Bravo", "charlie", "delta"}},
		{api.TeamSortName, "BRA", []string{"Bravo"}},
		{api.TeamSortMinusPool, "", []string{"delta", "charlie", "Bravo", "alpha"}},
		{api.TeamSortMinusUsed, "", []string{"delta", "Bravo", "charlie", "alpha"}}, // of its pool; alpha has none
		{api.TeamSortUsed, "", []string{"charlie", "Bravo", "delta", "alpha"}},
		{api.TeamSortFree, "", []string{"alpha", "delta", "Bravo", "charlie"}},
		{api.TeamSortMinusShare, "", []string{"charlie", "Bravo", "alpha", "delta"}}, // delta is first come, first served
		{api.TeamSortMembers, "", []string{"alpha", "delta", "charlie", "Bravo"}},
		{api.TeamSortEfficiency, "", []string{"charlie", "Bravo", "alpha", "delta"}},
		{api.TeamSortMinusEfficiency, "", []string{"Bravo", "charlie", "alpha", "delta"}},
	} {
		var got []string
		for _, t := range orderTeams(all, c.by, c.query) {
			got = append(got, t.Name)
		}
		if !slices.Equal(got, c.want) {
			t.Errorf("by %s, %q: %v, want %v", c.by, c.query, got, c.want)
		}
	}
	sum := totalsOf(all)
	want := api.TeamTotals{Teams: 4, Pool: 800 * alfred.Credit, Used: 450 * alfred.Credit, Free: 350 * alfred.Credit, NearlyEmpty: 1}
	if sum != want {
		t.Errorf("totals %+v, want %+v", sum, want)
	}
}
