package admin

import (
	"cmp"
	"context"
	"fmt"
	"slices"
	"strconv"
	"strings"
	"time"

	"github.com/oapi-codegen/nullable"

	"github.com/alfred-envoy/alfred"
	"github.com/alfred-envoy/alfred/admin/api"
)

// listTeamsBy answers a page of the teams in the order of a figure. Figures of
// pools are live, so that no database has their order: all teams are read,
// ordered and cut. The cursor is how many came before.
func (s *server) listTeamsBy(ctx context.Context, by api.TeamSort, query string, pg page) (api.ListTeamsResponseObject, error) {
	start := 0
	if pg.after != "" {
		var err error
		if start, err = strconv.Atoi(pg.after); err != nil || start < 0 {
			return nil, errCursor
		}
	}
	all, err := s.teamsWithPools(ctx)
	if err != nil {
		return nil, err
	}
	totals := totalsOf(all)
	rows := orderTeams(all, by, query)
	out := api.ListTeams200JSONResponse{Total: new(len(rows)), Totals: &totals, NextCursor: nullable.NewNullNullable[string]()}
	out.Data = rows[min(start, len(rows)):min(start+pg.limit, len(rows))]
	if end := start + len(out.Data); end < len(rows) {
		out.HasMore, out.NextCursor = true, pg.cursor(strconv.Itoa(end))
	}
	return out, nil
}

// ExportTeams writes all that match as CSV.
func (s *server) ExportTeams(ctx context.Context, r api.ExportTeamsRequestObject) (api.ExportTeamsResponseObject, error) {
	all, err := s.teamsWithPools(ctx)
	if err != nil {
		return nil, err
	}
	return csvFile{
		name: "teams.csv",
		header: []string{
			"id", "name", "description", "pool", "used", "held", "free", "sharing", "share_each", "members", "active", "cost_against_median", "created_at",
		},
		rows: func(yield func(cells ...string) error) error {
			for _, t := range orderTeams(all, orDefault(r.Params.Sort, api.TeamSortName), value(r.Params.Q)) {
				share, ratio := "", ""
				if v := eachGets(t); v != nil {
					share = v.String()
				}
				if v := given(t.AgainstMedian); v != nil {
					ratio = strconv.FormatFloat(*v, 'f', 4, 64)
				}
				err := yield(t.Id, t.Name, t.Description, t.EffectivePool.String(), t.PoolUsed.String(), t.PoolHeld.String(), t.PoolAvailable.String(), string(t.PoolSharing),
					share, strconv.Itoa(t.MemberCount), strconv.Itoa(t.ActiveCount), ratio, t.CreatedAt.UTC().Format(time.RFC3339))
				if err != nil {
					return err
				}
			}
			return nil
		},
	}, nil
}

// teamsWithPools describes all teams that the actor sees, and how each
// compares with the median where the actor may know. Figures may be a moment
// old; what somebody changed since is not missed.
func (s *server) teamsWithPools(ctx context.Context) ([]api.Team, error) {
	actor := callOf(ctx).actor
	if !actor.Access.Administers() {
		return s.readTeamsWithPools(ctx)
	}
	changes, err := s.Records.LastTopic(ctx)
	if err != nil {
		return nil, err
	}
	return s.pools.of(fmt.Sprint(actor.Org, changes), s.Now(), momentary, func() ([]api.Team, error) { return s.readTeamsWithPools(ctx) })
}

func (s *server) readTeamsWithPools(ctx context.Context) ([]api.Team, error) {
	actor := callOf(ctx).actor
	teams, err := s.teamsSeen(ctx, actor, "", "", 0)
	if err != nil {
		return nil, err
	}
	all, err := s.describeTeams(ctx, actor.Org, teams)
	if err != nil || !actor.Access.Administers() && len(actor.TeamsAdmin) == 0 {
		return all, err
	}
	snap, err := s.snapshotOf(ctx, actor.Org, nil)
	if err != nil {
		return nil, err
	}
	q, err := snap.usageQuery(usageAsk{filter: map[alfred.UsageDimension]*string{}})
	if err != nil {
		return nil, err
	}
	have, err := s.compare(ctx, snap, q, alfred.ByTeam)
	if err != nil {
		return nil, fmt.Errorf("compare teams: %w", err)
	}
	medians, ratios := medianPrices(have.all), map[string]nullable.Nullable[float64]{}
	for _, t := range have.all {
		ratios[t.id] = t.row(medians).AgainstMedian
	}
	for i := range all {
		all[i].AgainstMedian = nullable.NewNullNullable[float64]()
		if r, ok := ratios[all[i].Id]; ok {
			all[i].AgainstMedian = r
		}
	}
	return all, nil
}

// nearlyEmpty is a pool of which less than a tenth is free.
func nearlyEmpty(t api.Team) bool { return t.EffectivePool > 0 && 10*t.PoolAvailable < t.EffectivePool }

func totalsOf(all []api.Team) (sum api.TeamTotals) {
	for _, t := range all {
		sum.Teams++
		sum.Pool, sum.Used, sum.Held, sum.Free = sum.Pool+t.EffectivePool, sum.Used+t.PoolUsed, sum.Held+t.PoolHeld, sum.Free+t.PoolAvailable
		if nearlyEmpty(t) {
			sum.NearlyEmpty++
		}
	}
	return sum
}

// eachGets is the share of each active member: 0 when nobody is, nil where the
// pool is open to all.
func eachGets(t api.Team) *alfred.Credits {
	if t.PoolSharing == alfred.SharingOpen {
		return nil
	}
	return new(alfred.EqualShare(t.EffectivePool, t.ActiveCount))
}

// orderTeams returns the teams that have a text in their name, ordered. What is
// not known comes last, and what is equal in the order of names.
func orderTeams(all []api.Team, by api.TeamSort, query string) []api.Team {
	field, descending := strings.CutPrefix(string(by), "-")
	figure := func(t api.Team) *float64 {
		switch field {
		case "pool":
			return new(float64(t.EffectivePool))
		case "used": // of the pool, as the bar shows it
			if t.EffectivePool <= 0 {
				return nil
			}
			return new(float64(t.PoolUsed) / float64(t.EffectivePool))
		case "free":
			return new(float64(t.PoolAvailable))
		case "share":
			if share := eachGets(t); share != nil {
				return new(float64(*share))
			}
			return nil
		case "members":
			return new(float64(t.MemberCount))
		case "efficiency":
			return given(t.AgainstMedian)
		default:
			return nil
		}
	}
	named := func(a, b api.Team) int {
		return cmp.Or(cmp.Compare(strings.ToLower(a.Name), strings.ToLower(b.Name)), cmp.Compare(a.Id, b.Id))
	}
	query = strings.ToLower(query)
	rows := slices.DeleteFunc(slices.Clone(all), func(t api.Team) bool { return !strings.Contains(strings.ToLower(t.Name), query) })
	slices.SortFunc(rows, func(a, b api.Team) int {
		way := 1
		if descending {
			way = -1
		}
		if field == "name" {
			return way * named(a, b)
		}
		x, y := figure(a), figure(b)
		switch {
		case x == nil && y == nil:
			return named(a, b)
		case x == nil:
			return 1
		case y == nil:
			return -1
		default:
			return cmp.Or(way*cmp.Compare(*x, *y), named(a, b))
		}
	})
	return rows
}
