package admin

import (
	"context"
	"math/bits"
	"slices"
	"strconv"
	"time"

	"github.com/oapi-codegen/nullable"

	"github.com/alfred-envoy/alfred"
	"github.com/alfred-envoy/alfred/admin/api"
)

// exportPage is how many rows of an export are read at a time.
const exportPage = 1000

// ListRequests lists what was let through: everything for an admin, what was
// attributed to their teams for a team admin.
func (s *server) ListRequests(ctx context.Context, r api.ListRequestsRequestObject) (api.ListRequestsResponseObject, error) {
	p := r.Params
	f := requestFilter(p.Project, p.Model, p.Key, p.Priority, p.MinCost, p.From, p.Until)
	f.Outcomes = outcomesOf(p.Outcome)
	f.User = alfred.UserID(value(p.User))
	out, err := s.listRequests(ctx, f, p.Team, p.Cursor, p.Limit)
	return api.ListRequests200JSONResponse(out), err
}

// ExportRequests writes them as a file.
func (s *server) ExportRequests(ctx context.Context, r api.ExportRequestsRequestObject) (api.ExportRequestsResponseObject, error) {
	p := r.Params
	f := requestFilter(p.Project, p.Model, p.Key, p.Priority, p.MinCost, p.From, p.Until)
	f.Outcomes = outcomesOf(p.Outcome)
	f.User = alfred.UserID(value(p.User))
	return s.requestFile(ctx, f, p.Team)
}

// ListMyRequests lists the actor's own.
func (s *server) ListMyRequests(ctx context.Context, r api.ListMyRequestsRequestObject) (api.ListMyRequestsResponseObject, error) {
	p := r.Params
	f := requestFilter(p.Project, p.Model, p.Key, p.Priority, p.MinCost, p.From, p.Until)
	f.Outcomes = outcomesOf(p.Outcome)
	f.User = callOf(ctx).actor.User
	out, err := s.listRequests(ctx, f, nil, p.Cursor, p.Limit)
	return api.ListMyRequests200JSONResponse(out), err
}

// ExportMyRequests writes the actor's own as a file.
func (s *server) ExportMyRequests(ctx context.Context, r api.ExportMyRequestsRequestObject) (api.ExportMyRequestsResponseObject, error) {
	p := r.Params
	f := requestFilter(p.Project, p.Model, p.Key, p.Priority, p.MinCost, p.From, p.Until)
	f.Outcomes = outcomesOf(p.Outcome)
	f.User = callOf(ctx).actor.User
	return s.requestFile(ctx, f, nil)
}

func requestFilter(project, model, key *string, priority *alfred.Priority, minCost *float64, from, until *time.Time) alfred.RequestFilter {
	return alfred.RequestFilter{
		Project: alfred.ProjectID(value(project)), Model: value(model), Key: alfred.KeyID(value(key)), Priority: value(priority),
		MinCost: amount(minCost), From: value(from), Until: value(until),
	}
}

func outcomesOf[T ~string](asked *[]T) []alfred.Outcome {
	var out []alfred.Outcome
	for _, o := range value(asked) {
		out = append(out, alfred.Outcome(o))
	}
	return out
}

// within narrows to teams that the actor may see: nil is no narrowing. Whoever
// asks about themselves sees all their own.
func within(actor alfred.Actor, user alfred.UserID, team *string) ([]alfred.TeamID, error) {
	switch {
	case team != nil && !actor.AdministersTeam(alfred.TeamID(*team)):
		return nil, notFound("team", *team)
	case team != nil:
		return []alfred.TeamID{alfred.TeamID(*team)}, nil
	case actor.Access.Administers() || user == actor.User:
		return nil, nil
	default:
		return append([]alfred.TeamID{}, actor.TeamsAdmin...), nil
	}
}

func (s *server) listRequests(ctx context.Context, f alfred.RequestFilter, team, cursor *string, limit *int) (api.RequestPage, error) {
	actor := callOf(ctx).actor
	pg, err := newPage(cursor, limit, "requests", f, team)
	if err != nil {
		return api.RequestPage{}, err
	}
	if f.Teams, err = within(actor, f.User, team); err != nil {
		return api.RequestPage{}, err
	}
	f.After, f.Limit = pg.after, pg.limit
	events, next, err := s.Records.Requests(ctx, actor.Org, f)
	if err != nil {
		return api.RequestPage{}, err
	}
	rows, err := s.requestRows(ctx, actor.Org, events)
	if err != nil {
		return api.RequestPage{}, err
	}
	out := api.RequestPage{Data: rows, HasMore: next != "", NextCursor: nullable.NewNullNullable[string]()}
	if next != "" {
		out.NextCursor = pg.cursor(next)
	}
	return out, nil
}

// requestRows shows events with names.
func (s *server) requestRows(ctx context.Context, org alfred.OrgID, events []alfred.UsageEvent) ([]api.RequestRow, error) {
	out := make([]api.RequestRow, len(events))
	if len(events) == 0 {
		return out, nil
	}
	var w wanted
	for _, e := range events {
		w.users, w.keys = append(w.users, e.User), append(w.keys, e.Key)
	}
	n, err := s.names(ctx, org, w)
	if err != nil {
		return nil, err
	}
	for i, e := range events {
		out[i] = requestRow(e, n)
	}
	return out, nil
}

func requestRow(e alfred.UsageEvent, n *names) api.RequestRow {
	row := api.RequestRow{
		RequestId: string(e.Request), DecisionId: string(e.Decision), At: e.At, User: n.person(e.User), Key: api.Ref{Id: string(e.Key), Name: n.key(e.Key)},
		Model: e.Model, Provider: e.Provider, Priority: e.Priority, Usage: e.Usage, Cost: e.Cost, Held: e.Held, Status: e.Status, Outcome: string(e.Outcome),
		Estimated: e.Estimated, Overrun: e.Overrun, Late: e.Late, Shrunk: e.Shrunk, Stream: e.Stream, Private: e.Private, Degraded: e.Degraded, Millis: e.Millis,
	}
	if e.Team != "" {
		row.Team = &api.Ref{Id: string(e.Team), Name: n.teams[e.Team]}
	}
	if e.Department != "" {
		row.Department = &api.Ref{Id: string(e.Department), Name: n.departments[e.Department]}
	}
	if e.Project != "" {
		row.Project = &api.Ref{Id: string(e.Project), Name: n.projects[e.Project]}
	}
	return row
}

func (s *server) requestFile(ctx context.Context, f alfred.RequestFilter, team *string) (csvFile, error) {
	actor := callOf(ctx).actor
	var err error
	if f.Teams, err = within(actor, f.User, team); err != nil {
		return csvFile{}, err
	}
	f.Limit = exportPage
	return csvFile{"requests.csv", []string{
		"request_id", "at", "user", "key", "team", "department", "project", "model", "provider", "priority", "input", "cached_input", "cache_write", "output",
		"reasoning", "credits", "status", "outcome", "estimated", "stream", "millis",
	}, func(yield func(...string) error) error {
		for {
			events, next, err := s.Records.Requests(ctx, actor.Org, f)
			if err != nil {
				return err
			}
			rows, err := s.requestRows(ctx, actor.Org, events)
			if err != nil {
				return err
			}
			for _, r := range rows {
				if err := yield(requestCells(r)...); err != nil {
					return err
				}
			}
			if next == "" {
				return nil
			}
			f.After = next
		}
	}}, nil
}

func requestCells(r api.RequestRow) []string {
	name := func(r *api.Ref) string {
		if r == nil {
			return ""
		}
		return r.Name
	}
	number := func(n int64) string { return strconv.FormatInt(n, 10) }
	u := r.Usage
	return []string{
		r.RequestId, r.At.UTC().Format(time.RFC3339Nano), r.User.Email, r.Key.Name, name(r.Team), name(r.Department), name(r.Project), r.Model, r.Provider,
		string(r.Priority), number(u.Input), number(u.CachedInput), number(u.CacheWrite), number(u.Output), number(u.Reasoning), r.Cost.String(),
		strconv.Itoa(r.Status), r.Outcome, strconv.FormatBool(r.Estimated), strconv.FormatBool(r.Stream), number(r.Millis),
	}
}

// GetRequest opens one request of those that the actor may see.
func (s *server) GetRequest(ctx context.Context, r api.GetRequestRequestObject) (api.GetRequestResponseObject, error) {
	actor := callOf(ctx).actor
	out, err := s.openRequest(ctx, r.RequestId, func(e alfred.UsageEvent) (bool, error) {
		if e.User == actor.User || (e.Team != "" && slices.Contains(actor.TeamsAdmin, e.Team)) {
			return true, nil
		}
		return s.covers(ctx, actor, e.User)
	})
	return api.GetRequest200JSONResponse(out), err
}

// GetMyRequest opens one of the actor's own.
func (s *server) GetMyRequest(ctx context.Context, r api.GetMyRequestRequestObject) (api.GetMyRequestResponseObject, error) {
	me := callOf(ctx).actor.User
	out, err := s.openRequest(ctx, r.RequestId, func(e alfred.UsageEvent) (bool, error) { return e.User == me, nil })
	return api.GetMyRequest200JSONResponse(out), err
}

// openRequest shows everything that was recorded of a request: of one that
// the reader may see, else it does not exist.
func (s *server) openRequest(ctx context.Context, id string, may func(alfred.UsageEvent) (bool, error)) (api.RequestDetail, error) {
	org := callOf(ctx).actor.Org
	if !alfred.ValidID("req", id) {
		return api.RequestDetail{}, notFound("request", id)
	}
	events, err := s.Records.RequestEvents(ctx, org, alfred.DecisionID("dec_"+id[len("req_"):]))
	if err != nil {
		return api.RequestDetail{}, err
	}
	if len(events) == 0 {
		return api.RequestDetail{}, notFound("request", id)
	}
	if ok, err := may(events[0]); err != nil || !ok {
		if err != nil {
			return api.RequestDetail{}, err
		}
		return api.RequestDetail{}, notFound("request", id)
	}
	settings, err := s.Records.Organization(ctx, org)
	if err != nil {
		return api.RequestDetail{}, err
	}
	e := asItStands(events)
	n, err := s.names(ctx, org, wanted{[]alfred.UserID{e.User}, []alfred.KeyID{e.Key}})
	if err != nil {
		return api.RequestDetail{}, err
	}
	out := api.RequestDetail{
		Request: requestRow(e, n), Unit: settings.Settings.UnitName, Legs: []api.PaidLeg{}, Charges: []api.PaidLeg{}, Headers: requestHeaders(e),
	}
	for _, one := range events {
		out.Events = append(out.Events, api.RequestEvent{At: one.At, Cost: one.Cost, Kind: api.RequestEventKind(one.Kind)})
	}
	for _, l := range e.Legs {
		out.Legs = append(out.Legs, api.PaidLeg{Kind: string(l.Kind), Subject: l.Subject, Name: n.subject(string(l.Kind), l.Subject), Amount: l.Amount})
	}
	for _, c := range e.Charges {
		out.Charges = append(out.Charges, api.PaidLeg{Kind: string(c.Counter.Kind), Subject: c.Counter.Subject, Name: n.subject(string(c.Counter.Kind), c.Counter.Subject), Amount: c.Amount})
	}
	out.Hold.ReservationId, out.Hold.Held, out.Hold.InputBound, out.Hold.OutputLimit, out.Hold.Shrunk = string(e.Reservation), e.Held, e.InputBound, e.OutputLimit, e.Shrunk
	out.Timing.EndedAt, out.Timing.TotalMillis = events[0].At, e.Millis
	out.Timing.StartedAt = events[0].At.Add(-time.Duration(e.Millis) * time.Millisecond)
	out.Timing.DecidedMillis, out.Timing.FirstByteMillis = millisOrNull(e.DecidedMillis), millisOrNull(e.FirstByteMillis)
	return out, s.price(ctx, e, &out)
}

func millisOrNull(n *int64) nullable.Nullable[int64] {
	if n == nil {
		return nullable.NewNullNullable[int64]()
	}
	return nullable.NewNullableWithValue(*n)
}

// asItStands is a request as it stands after its corrections.
func asItStands(events []alfred.UsageEvent) alfred.UsageEvent {
	e := events[0]
	for _, later := range events[1:] {
		e.Cost += later.Cost
		e.Usage = e.Usage.Plus(later.Usage)
		e.Legs = append(slices.Clone(e.Legs), later.Legs...)
		e.Charges = append(slices.Clone(e.Charges), later.Charges...)
		e.Late = e.Late || later.Late
		if e.DecidedMillis == nil { // who expired had told nothing
			e.DecidedMillis, e.FirstByteMillis = later.DecidedMillis, later.FirstByteMillis
		}
		e.Outcome, e.Status = later.Outcome, max(e.Status, later.Status)
	}
	return e
}

// price shows by which rates a request was charged: those of the card that
// its event names.
func (s *server) price(ctx context.Context, e alfred.UsageEvent, out *api.RequestDetail) error {
	card, err := s.Records.RateCard(ctx, e.Org, out.Timing.StartedAt)
	if err == nil && card.Version != e.CardVersion {
		card, err = s.Records.RateCard(ctx, e.Org, e.At)
	}
	if err != nil {
		return err
	}
	out.Lines = []api.RequestLine{}
	if card.Version != e.CardVersion || e.Cost == 0 && e.Usage.Tokens() == 0 {
		return nil
	}
	rate, _ := card.For(e.Model)
	for _, l := range []struct {
		kind     api.RequestLineKind
		quantity int64
		rate     alfred.Credits
	}{
		{"input", e.Usage.Input, rate.Input},
		{"cached_input", e.Usage.CachedInput, rate.CachedInput},
		{"cache_write", e.Usage.CacheWrite, rate.CacheWrite},
		{"output", e.Usage.Output, rate.Output},
		{"reasoning", e.Usage.Reasoning, rate.Reasoning},
	} {
		if l.quantity > 0 {
			out.Lines = append(out.Lines, api.RequestLine{Kind: l.kind, Quantity: l.quantity, Rate: l.rate, Credits: perMillion(l.quantity, l.rate)})
		}
	}
	if rate.Request > 0 {
		out.Lines = append(out.Lines, api.RequestLine{Kind: "request", Quantity: 1, Rate: rate.Request, Credits: rate.Request})
	}
	cost, err := rate.Cost(e.Usage)
	out.Price = &api.RequestPrice{CardVersion: card.Version, EffectiveFrom: orNull(card.Effective), Pattern: rate.Match, Exact: err == nil && cost == e.Cost}
	return nil
}

// perMillion is a price for showing, rounded to the nearest micro-credit.
func perMillion(quantity int64, rate alfred.Credits) alfred.Credits {
	hi, lo := bits.Mul64(uint64(quantity), uint64(rate)) // neither is negative
	lo, carry := bits.Add64(lo, 500_000, 0)
	if hi += carry; hi >= 1_000_000 {
		return alfred.MaxCredits
	}
	q, _ := bits.Div64(hi, lo, 1_000_000)
	return alfred.Credits(min(q, uint64(alfred.MaxCredits)))
}

// requestHeaders are the headers that the record lets one tell.
func requestHeaders(e alfred.UsageEvent) []api.RequestHeader {
	out := []api.RequestHeader{{Direction: "request", Name: "x-priority", Value: string(e.Priority)}}
	add := func(direction api.RequestHeaderDirection, name, value string) {
		if value != "" {
			out = append(out, api.RequestHeader{Direction: direction, Name: name, Value: value})
		}
	}
	add("request", "x-project-id", string(e.Project))
	add("request", "x-team-id", string(e.Team))
	if e.Private {
		add("request", "x-privacy-mode", "strict")
	}
	add("response", "x-alfred-request-id", string(e.Request))
	add("response", "x-alfred-decision-id", string(e.Decision))
	if e.Shrunk {
		add("response", "x-alfred-output-limit", strconv.FormatInt(e.OutputLimit, 10))
	}
	add("response", "x-alfred-degraded", e.Degraded)
	return out
}
