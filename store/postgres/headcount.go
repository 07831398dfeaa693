package postgres

import (
	"context"
	"time"

	"github.com/alfred-envoy/alfred"
	"github.com/alfred-envoy/alfred/store/postgres/internal/db"
)

// CountPeople counts people, who of them spent something in the window that
// starts at a time, and what they may spend in a window. otherwise is the
// quota of those who inherit the organisation's.
func (s *Store) CountPeople(ctx context.Context, org alfred.OrgID, of alfred.People, start time.Time, otherwise alfred.Credits) (alfred.PeopleCount, error) {
	everyone := of.Teams == nil && of.Department == ""
	row, err := s.q(ctx).CountPeople(ctx, db.CountPeopleParams{
		OrgID: org, Everyone: everyone, Teams: texts(of.Teams), Department: string(of.Department), Start: start, Otherwise: int64(otherwise),
	})
	return alfred.PeopleCount{
		Active: int(row.Active), OnVacation: int(row.OnVacation), Suspended: int(row.Suspended), Used: int(row.Used), Quotas: alfred.Credits(row.Quotas),
	}, failed(err, "count people")
}
