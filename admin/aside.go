package admin

import (
	"context"
	"encoding/json"
	"fmt"
	"strconv"
	"strings"
	"time"

	"github.com/alfred-envoy/alfred"
	"github.com/alfred-envoy/alfred/admin/api"
)

// ListSetAside lists the entries of the usage stream that could not be booked.
func (s *server) ListSetAside(ctx context.Context, r api.ListSetAsideRequestObject) (api.ListSetAsideResponseObject, error) {
	pg, err := newPage(r.Params.Cursor, r.Params.Limit, "set aside", r.Params.State)
	if err != nil {
		return nil, err
	}
	waiting := r.Params.State == nil || *r.Params.State == api.Waiting
	rows, err := s.Records.EntriesSetAside(ctx, callOf(ctx).actor.Org, waiting, pg.after, pg.limit+1)
	if err != nil {
		return nil, err
	}
	rows, more, next := cut(pg, rows, func(e alfred.EntrySetAside) string { return e.ID })
	out := api.ListSetAside200JSONResponse{Data: []api.SetAsideEntry{}, HasMore: more, NextCursor: next}
	for _, e := range rows {
		out.Data = append(out.Data, setAsideEntry(e))
	}
	return out, nil
}

// RetrySetAside books an entry after all, or says anew why it cannot be. The
// booking comes first and is idempotent, so that an attempt that breaks off
// in the middle is only made once more.
func (s *server) RetrySetAside(ctx context.Context, r api.RetrySetAsideRequestObject) (api.RetrySetAsideResponseObject, error) {
	c := callOf(ctx)
	org := c.actor.Org
	before, err := s.Records.EntrySetAside(ctx, org, r.EntryId)
	if err != nil {
		return nil, err
	}
	if !before.RecordedAt.IsZero() {
		return api.RetrySetAside200JSONResponse(setAsideEntry(before)), nil
	}
	e, refused := readEntry(org, before)
	if refused == nil && !c.dryRun {
		if _, refused = s.Records.RecordEvents(ctx, []alfred.UsageEvent{e}); refused != nil && !refusedForContent(refused) {
			return nil, fmt.Errorf("book entry %s: %w", before.ID, refused)
		}
	}
	reason := before.Reason
	if refused != nil {
		reason = refused.Error()
	}
	s.Metrics.retried(refused == nil)
	var after alfred.EntrySetAside
	err = s.write(ctx, org, func(ctx context.Context, w *change) error {
		if after, err = s.Records.TriedSetAside(ctx, org, before.ID, reason, refused == nil, w.now); err != nil {
			return err
		}
		w.audit("ledger.set_aside.retry", before.ID, setAsideEntry(before), setAsideEntry(after))
		return nil
	})
	if err != nil {
		return nil, err
	}
	return api.RetrySetAside200JSONResponse(setAsideEntry(after)), nil
}

// asideCounted bounds what is counted of the entries that wait.
const asideCounted = 1000

// CountSetAside keeps the figure of the entries that wait to be booked.
func (j *Jobs) CountSetAside(ctx context.Context) error {
	orgs, err := j.Records.Organizations(ctx)
	if err != nil {
		return err
	}
	for _, org := range orgs {
		rows, err := j.Records.EntriesSetAside(ctx, org.ID, true, "", asideCounted)
		if err != nil {
			return err
		}
		j.Metrics.waits(org.ID, len(rows))
	}
	return nil
}

// readEntry reads an event again; one without a time has that of its entry.
func readEntry(org alfred.OrgID, entry alfred.EntrySetAside) (e alfred.UsageEvent, err error) {
	if err := json.Unmarshal(entry.Raw, &e); err != nil {
		return e, alfred.Errorf(alfred.CodeValidation, "the entry cannot be read: %v", err)
	}
	if e.At.IsZero() {
		ms, _, _ := strings.Cut(entry.ID, "-")
		if n, err := strconv.ParseInt(ms, 10, 64); err == nil {
			e.At = time.UnixMilli(n).UTC()
		}
	}
	if e.Org != org {
		return e, alfred.Errorf(alfred.CodeValidation, "the entry is of organisation %q", e.Org)
	}
	return e, nil
}

func setAsideEntry(e alfred.EntrySetAside) api.SetAsideEntry {
	return api.SetAsideEntry{
		Id: e.ID, Entry: strings.ToValidUTF8(string(e.Raw), "\uFFFD"), Reason: e.Reason, SetAsideAt: e.SetAsideAt, Attempts: e.Attempts,
		TriedAt: orNull(e.TriedAt), RecordedAt: orNull(e.RecordedAt),
	}
}
