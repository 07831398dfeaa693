package postgres

import (
	"context"

	"github.com/alfred-envoy/alfred"
	"github.com/alfred-envoy/alfred/store/postgres/internal/db"
)

// Releases returns what people who are still away have given in a window, to
// all teams or to some.
func (s *Store) Releases(ctx context.Context, org alfred.OrgID, w alfred.Window, only ...alfred.TeamID) ([]alfred.Release, error) {
	rows, err := s.q(ctx).Releases(ctx, org, w.Start, w.End, texts(only))
	return each(rows, func(r db.Release) alfred.Release {
		return alfred.Release{
			User: r.UserID, Team: r.TeamID, Amount: r.Amount, Window: alfred.Window{Start: r.WindowStart, End: r.WindowEnd}, Move: r.MoveID,
		}
	}), failed(err, "list releases")
}

// PutRelease sets the one release of a person, team and window.
func (s *Store) PutRelease(ctx context.Context, org alfred.OrgID, r alfred.Release) error {
	return failed(s.q(ctx).PutRelease(ctx, db.PutReleaseParams{
		OrgID: org, UserID: r.User, TeamID: r.Team, WindowStart: r.Window.Start, WindowEnd: r.Window.End, Amount: r.Amount, MoveID: r.Move,
	}), "put release of %s", r.User)
}

// EndRelease forgets a release when the person is back; what moved stays in
// the adjustments. One that is not there is no error.
func (s *Store) EndRelease(ctx context.Context, org alfred.OrgID, u alfred.UserID, t alfred.TeamID, w alfred.Window) error {
	return failed(s.q(ctx).EndRelease(ctx, db.EndReleaseParams{
		OrgID: org, UserID: u, TeamID: t, WindowStart: w.Start, WindowEnd: w.End,
	}), "end release of %s", u)
}
