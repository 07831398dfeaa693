package admin

import (
	"cmp"
	"context"
	"crypto/sha256"
	"encoding/hex"
	"fmt"
	"net/url"
	"slices"
	"strings"

	"github.com/oapi-codegen/nullable"

	"github.com/alfred-envoy/alfred"
	"github.com/alfred-envoy/alfred/admin/api"
)

var errNoLedger = alfred.Errorf(alfred.CodeUnavailable, "This process does not compare the live ledger with the record.")

// GetLedgerDrift lists live counters beside the record. Each page compares all
// of them anew: what a page says of the whole is true at its own as_of.
func (s *server) GetLedgerDrift(ctx context.Context, r api.GetLedgerDriftRequestObject) (api.GetLedgerDriftResponseObject, error) {
	all := value(r.Params.All)
	pg, err := newPage(r.Params.Cursor, r.Params.Limit, "ledger drift", all)
	if err != nil {
		return nil, err
	}
	if s.Ledger == nil {
		return nil, errNoLedger
	}
	org, err := s.Records.Organization(ctx, callOf(ctx).actor.Org)
	if err != nil {
		return nil, err
	}
	rows := []standing{}
	d, err := s.Ledger.drift(ctx, org.ID, func(c standing) {
		if (all || c.drifts()) && c.place() > pg.after {
			rows = append(rows, c)
		}
	})
	if err != nil {
		return nil, fmt.Errorf("compare the ledger with the record: %w", err)
	}
	slices.SortFunc(rows, func(a, b standing) int { return cmp.Compare(a.place(), b.place()) })
	rows, more, next := cut(pg, rows, standing.place)
	out := api.GetLedgerDrift200JSONResponse{
		HasMore: more, NextCursor: next, AsOf: d.at, Unit: org.Settings.UnitName, Built: d.epoch.Current(), Epoch: d.epoch.Number,
	}
	out.Totals.Counters, out.Totals.Drifting = d.counters, d.drifting
	out.Totals.Above, out.Totals.Below, out.Totals.Max = d.above, d.below, d.max
	out.Data, err = s.ledgerCounters(ctx, org.ID, rows)
	return out, err
}

// place orders counters by kind, subject and window, in what a cursor can hold.
func (s standing) place() string {
	subject := url.QueryEscape(s.counter.Subject)
	if len(subject) > 64 {
		sum := sha256.Sum256([]byte(subject))
		subject = subject[:40] + "~" + hex.EncodeToString(sum[:8])
	}
	return fmt.Sprintf("%s/%s/%d", s.counter.Kind, subject, s.counter.Window.Start.Unix())
}

func (s *server) ledgerCounters(ctx context.Context, org alfred.OrgID, rows []standing) ([]api.LedgerCounter, error) {
	out := []api.LedgerCounter{}
	if len(rows) == 0 {
		return out, nil
	}
	var w wanted
	for _, c := range rows {
		switch c.counter.Kind { //nolint:exhaustive // the others are of no person and no key
		case alfred.CountUser, alfred.CountPersonal, alfred.CountOverdraft:
			w.users = append(w.users, alfred.UserID(c.counter.Subject))
		case alfred.CountShare:
			_, user, _ := strings.Cut(c.counter.Subject, "/")
			w.users = append(w.users, alfred.UserID(user))
		case alfred.CountKey:
			w.keys = append(w.keys, alfred.KeyID(c.counter.Subject))
		}
	}
	names, err := s.names(ctx, org, w)
	if err != nil {
		return nil, err
	}
	for _, c := range rows {
		held := nullable.NewNullableWithValue(c.held)
		if c.uncounted {
			held = nullable.NewNullNullable[alfred.Credits]()
		}
		out = append(out, api.LedgerCounter{
			Kind: string(c.counter.Kind), Subject: c.counter.Subject, Name: orNull(names.subject(string(c.counter.Kind), c.counter.Subject)),
			WindowStart: c.counter.Window.Start, WindowEnd: c.counter.Window.End, Settled: c.settled, Unrecorded: c.unrecorded, Moves: c.outflow,
			Held: held, Live: c.live.Committed, LiveSettled: c.live.Settled, Drift: c.drift(),
		})
	}
	return out, nil
}
