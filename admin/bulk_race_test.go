package admin_test

import (
	"context"
	"net/http"
	"testing"

	"github.com/alfred-envoy/alfred"
)

func (d *disturbed) PutMember(ctx context.Context, org alfred.OrgID, members ...alfred.Member) (int, error) {
	if d.join != nil && len(members) > 0 {
		if err := d.join(); err != nil {
			return 0, err
		}
	}
	return d.Records.PutMember(ctx, org, members...)
}

// Who is deleted while a batch is carried out joins no team.
func TestWhoIsDeletedMeanwhileJoinsNoTeam(t *testing.T) {
	w := started(t)
	ana, bo := w.user("ana@company.com", ""), w.user("bo@company.com", "")
	team := w.team("Core", "1000")
	d := &disturbed{Records: w.records}
	d.join = once(func() error {
		w.do("DELETE", "/v1/admin/users/"+ana.id, w.owner.key, "").is(http.StatusNoContent)
		return nil
	})
	jobs := *w.jobs
	jobs.Records = d
	id := w.job(`{"kind":"team_add","team_id":"` + team + `","selection":{"ids":["` + ana.id + `","` + bo.id + `"]}}`)
	w.finish(&jobs)
	w.jobIs(id, 1, 0, 1)
	members, err := w.records.Members(w.ctx, w.org, alfred.TeamID(team))
	w.must(err)
	if len(members) != 1 {
		t.Errorf("members %+v", members)
	}
}
