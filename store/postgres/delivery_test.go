package postgres_test

import (
	"fmt"
	"testing"
	"time"

	"github.com/alfred-envoy/alfred"
)

func TestChannelsAreKept(t *testing.T) {
	w := newWorld(t)
	c := alfred.Channel{
		ID: id[string](t, "chn"), Org: w.org, Kind: alfred.ChannelSlack, Name: "#costs", Address: []byte{0, 255, 1}, Shown: "hooks/…x", From: 90, Transfers: true, CreatedAt: noon, UpdatedAt: noon,
	}
	w.must(w.PutChannel(w.ctx, c))
	c.Version = 1
	got, err := w.Channel(w.ctx, w.org, c.ID)
	w.must(err)
	got.CreatedAt, got.UpdatedAt = got.CreatedAt.UTC(), got.UpdatedAt.UTC()
	w.same(got, c)
	w.refused(w.PutChannel(w.ctx, alfred.Channel{ID: id[string](t, "chn"), Org: w.org, Kind: "slack", Name: "#COSTS", Address: []byte{1}, CreatedAt: noon}), alfred.CodeConflict)
	w.refused(w.PutChannel(w.ctx, alfred.Channel{ID: id[string](t, "chn"), Org: w.org, Kind: "pigeon", Name: "x", Address: []byte{1}, CreatedAt: noon}), alfred.CodeValidation)
	c.Name = "other"
	w.must(w.PutChannel(w.ctx, c))
	w.refused(w.PutChannel(w.ctx, c), alfred.CodeStaleVersion)
	w.must(w.AddDeliveries(w.ctx, alfred.Delivery{ID: "dlv_1", Org: w.org, Channel: c.ID, About: alfred.AboutAlert, Text: "x", State: alfred.DeliveryPending, NextAt: noon, CreatedAt: noon}))
	w.must(w.DeleteChannel(w.ctx, w.org, c.ID))
	w.refused(w.DeleteChannel(w.ctx, w.org, c.ID), alfred.CodeNotFound)
	_, err = w.ClaimDelivery(w.ctx, noon, noon)
	w.refused(err, alfred.CodeNotFound)
}

func TestDeliveriesAreClaimedInTheOrderInWhichTheyAreDue(t *testing.T) {
	w := newWorld(t)
	at := func(seconds int) time.Time { return noon.Add(time.Duration(seconds) * time.Second) }
	for i, due := range []int{30, 10, 20} {
		w.must(w.AddDeliveries(w.ctx, alfred.Delivery{
			ID: fmt.Sprintf("dlv_%d", i), Org: w.org, Channel: "chn_1", About: alfred.AboutTransfer, Text: "x", State: alfred.DeliveryPending, NextAt: at(due), CreatedAt: noon,
		}))
	}
	claim := func(now int) string {
		t.Helper()
		d, err := w.ClaimDelivery(w.ctx, at(now), at(now+60))
		if alfred.ErrorCode(err) == alfred.CodeNotFound {
			return ""
		}
		w.must(err)
		return fmt.Sprint(d.ID, " ", d.Attempts)
	}
	for i, c := range []struct {
		now  int
		want string
	}{{9, ""}, {30, "dlv_1 1"}, {30, "dlv_2 1"}, {30, "dlv_0 1"}, {89, ""}, {90, "dlv_0 2"}} {
		if i == 4 { // delivered, given up
			for j, state := range []alfred.DeliveryState{alfred.DeliveryDelivered, alfred.DeliveryFailed} {
				d, err := w.Delivery(w.ctx, w.org, fmt.Sprintf("dlv_%d", j+1))
				w.must(err)
				d.State, d.NextAt, d.EndedAt, d.Detail = state, time.Time{}, at(31), "because"
				w.must(w.PutDelivery(w.ctx, d))
			}
		}
		if got := claim(c.now); got != c.want {
			t.Fatalf("step %d: claimed %q, want %q", i, got, c.want)
		}
	}
	last, err := w.LastDeliveries(w.ctx, w.org, []string{"chn_1", "chn_2"}, true)
	w.must(err)
	if len(last) != 1 || last["chn_1"].ID != "dlv_2" || last["chn_1"].State != alfred.DeliveryFailed || last["chn_1"].Detail != "because" {
		t.Errorf("last %+v", last)
	}
	w.must(w.DelayDeliveries(w.ctx, w.org, "chn_1", at(500)))
	if got := claim(499); got != "" {
		t.Errorf("claimed %q before its time", got)
	}
	w.must(w.ForgetDeliveries(w.ctx, at(32)))
	all, err := w.Deliveries(w.ctx, w.org, "", "", 0)
	w.must(err)
	if len(all) != 1 || all[0].ID != "dlv_0" { // what is pending stays, however old
		t.Errorf("kept %+v", all)
	}
	w.refused(w.PutDelivery(w.ctx, alfred.Delivery{ID: "dlv_9", Org: w.org, State: alfred.DeliveryFailed, EndedAt: noon}), alfred.CodeNotFound)
}

func TestAlertLevelsAreKeptForEachWindow(t *testing.T) {
	w := newWorld(t)
	pool := alfred.Counter{Kind: alfred.CountPool, Subject: "team_1", Window: november}
	december := alfred.Window{Start: november.End, End: november.End.AddDate(0, 1, 0)}
	levels := func(of alfred.Window) string {
		t.Helper()
		all, err := w.AlertLevels(w.ctx, w.org, of.Start)
		w.must(err)
		out := ""
		for _, l := range all {
			out += fmt.Sprintf("%s %s %d;", l.Counter.Kind, l.Counter.Subject, l.Threshold)
		}
		return out
	}
	for _, c := range []struct {
		threshold int
		want      string
	}{{50, "pool team_1 50;"}, {100, "pool team_1 100;"}, {75, "pool team_1 75;"}, {0, ""}, {0, ""}, {90, "pool team_1 90;"}} {
		w.must(w.PutAlertLevels(w.ctx, w.org, []alfred.AlertLevel{{Counter: pool, Threshold: c.threshold}}))
		if got := levels(november); got != c.want || levels(december) != "" {
			t.Fatalf("after %d: %q, in December %q", c.threshold, got, levels(december))
		}
	}
	w.must(w.ForgetDeliveries(w.ctx, november.End))
	if levels(november) == "" {
		t.Error("the level of a window that has just ended is gone")
	}
	w.must(w.ForgetDeliveries(w.ctx, november.End.Add(time.Second)))
	if got := levels(november); got != "" {
		t.Errorf("kept %q", got)
	}
}
