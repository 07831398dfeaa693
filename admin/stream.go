package admin

import (
	"context"
	"encoding/json"
	"fmt"
	"net/http"
	"strconv"
	"strings"
	"time"

	"github.com/oapi-codegen/nullable"

	"github.com/alfred-envoy/alfred"
	"github.com/alfred-envoy/alfred/admin/api"
)

const (
	streamEvery  = time.Second      // how often a stream looks, and so the most that a tick waits
	streamBeat   = 15 * time.Second // how often a silent stream says that it lives
	streamMemory = 5 * time.Minute  // how far back a stream resumes
	streamBatch  = 100              // refusals and changes that are told at once
	lateRefusals = 30 * time.Second // refusals are recorded in batches, and not in order
)

// StreamAdmin tells what happens in what the actor may see.
func (s *server) StreamAdmin(ctx context.Context, r api.StreamAdminRequestObject) (api.StreamAdminResponseObject, error) {
	c := callOf(ctx)
	f := &feed{server: s, call: c, decisions: alfred.DecisionFilter{Limit: streamBatch}, usage: map[alfred.UsageDimension][]string{}}
	if !c.actor.Access.Administers() {
		f.decisions.Teams = append([]alfred.TeamID{}, c.actor.TeamsAdmin...)
		f.usage, _ = narrow(c.actor, f.usage)
	}
	return f, f.begin(ctx, value(r.Params.LastEventID))
}

// StreamMe tells what happens to the actor.
func (s *server) StreamMe(ctx context.Context, r api.StreamMeRequestObject) (api.StreamMeResponseObject, error) {
	c := callOf(ctx)
	f := &feed{
		server: s, call: c, mine: true, decisions: alfred.DecisionFilter{User: c.actor.User, Limit: streamBatch},
		usage: map[alfred.UsageDimension][]string{alfred.ByUser: {string(c.actor.User)}},
	}
	return f, f.begin(ctx, value(r.Params.LastEventID))
}

// feed is one stream of events. It looks into the record once a second, so
// that it does not matter which process has recorded what.
type feed struct {
	server    *server
	call      *call
	ctx       context.Context //nolint:containedctx // of the request that the feed is the answer to
	mine      bool            // the actor's own, else an admin's
	decisions alfred.DecisionFilter
	usage     map[alfred.UsageDimension][]string

	reset  bool
	hour   time.Time // since when usage is summed
	used   alfred.UsageSums
	seen   map[string]time.Time // refusals and messages that were told
	audit  int64                // the newest change that was told
	virgin bool                 // nobody has used anything yet
}

// begin finds out from where a stream goes on.
func (f *feed) begin(ctx context.Context, last string) error {
	s, org, now := f.server, f.call.actor.Org, f.server.Now()
	f.ctx, f.seen = ctx, map[string]time.Time{}
	f.hour = now.UTC().Truncate(time.Hour)
	var err error
	if f.used, err = f.sum(); err != nil {
		return err
	}
	newest, err := s.Records.Audit(ctx, org, alfred.AuditFilter{Limit: 1})
	if err != nil {
		return err
	}
	if len(newest) > 0 {
		f.audit = newest[0].Seq
	}
	since := now
	if at, seq, ok := parsePosition(last); ok && now.Sub(at) < streamMemory && seq <= f.audit {
		since, f.audit = at, seq
	} else {
		f.reset = last != ""
	}
	// What was refused before is not told again.
	d := f.decisions
	d.From, d.Until = since.Add(-lateRefusals), since.Add(time.Microsecond)
	old, _, err := s.Records.Decisions(ctx, org, d)
	if err != nil {
		return err
	}
	for _, o := range old {
		f.seen[string(o.ID)] = o.At
	}
	if f.mine {
		items, err := s.Records.Inbox(ctx, org, f.call.actor.User, true, streamBatch)
		for _, i := range items {
			f.seen[i.ID] = now.Add(streamMemory)
		}
		return err
	}
	first, _, err := s.Records.Requests(ctx, org, alfred.RequestFilter{Limit: 1})
	f.virgin = len(first) == 0
	return err
}

// position is where a stream stands: a time and the newest change.
func position(at time.Time, audit int64) string {
	return strconv.FormatInt(at.UnixMicro(), 10) + "-" + strconv.FormatInt(audit, 10)
}

func parsePosition(s string) (at time.Time, audit int64, ok bool) {
	micros, seq, ok := strings.Cut(s, "-")
	m, err1 := strconv.ParseInt(micros, 10, 64)
	n, err2 := strconv.ParseInt(seq, 10, 64)
	return time.UnixMicro(m), n, ok && err1 == nil && err2 == nil
}

// VisitStreamAdminResponse writes events until one of both sides leaves.
func (f *feed) VisitStreamAdminResponse(w http.ResponseWriter) error { return f.run(w) }

// VisitStreamMeResponse writes events until one of both sides leaves.
func (f *feed) VisitStreamMeResponse(w http.ResponseWriter) error { return f.run(w) }

func (f *feed) run(w http.ResponseWriter) error {
	w.Header().Set("Content-Type", "text/event-stream")
	w.Header().Set("X-Accel-Buffering", "no")
	w.WriteHeader(http.StatusOK)
	out := &eventWriter{w: w, flush: http.NewResponseController(w)}
	out.comment("hello")
	if f.reset {
		out.event("reset", position(f.server.Now(), f.audit), struct{}{})
	}
	every, beat := time.NewTicker(streamEvery), time.NewTicker(streamBeat)
	defer every.Stop()
	defer beat.Stop()
	for out.err == nil {
		select {
		case <-f.ctx.Done():
			return nil
		case <-f.server.Closing:
			return nil
		case <-beat.C:
			out.comment("alive")
			continue
		case <-every.C:
		}
		if err := f.server.still(f.ctx, f.call); err != nil {
			out.event("end", position(f.server.Now(), f.audit), map[string]alfred.Code{"code": alfred.ErrorCode(err)})
			return nil
		}
		if err := f.look(out); err != nil && f.ctx.Err() == nil {
			f.server.Log.Warn("stream", "request_id", f.call.request, "err", err) // the next look may find the stores again
		}
	}
	return nil
}

// eventWriter writes server-sent events until the reader has left.
type eventWriter struct {
	w     http.ResponseWriter
	flush *http.ResponseController
	err   error
}

func (e *eventWriter) comment(text string) { e.send(": " + text + "\n\n") }

func (e *eventWriter) event(name, id string, data any) {
	b, err := json.Marshal(data)
	if err != nil {
		e.err = fmt.Errorf("write event %s: %w", name, err)
		return
	}
	e.send("id: " + id + "\nevent: " + name + "\ndata: " + string(b) + "\n\n")
}

func (e *eventWriter) send(text string) {
	if e.err != nil {
		return
	}
	if _, e.err = e.w.Write([]byte(text)); e.err == nil {
		e.err = e.flush.Flush()
	}
}

// still says whether who asks may go on: their key works, they are not
// suspended, and their session has not ended.
func (s *server) still(ctx context.Context, c *call) error {
	keys, err := s.Records.KeysByID(ctx, c.actor.Org, []alfred.KeyID{c.actor.Key})
	if err != nil {
		return err
	}
	if len(keys) == 0 {
		return errUnknownKey
	}
	if err := s.identifyKey(ctx, &call{}, keys[0]); err != nil {
		return err
	}
	if c.session.Hash == "" {
		return nil
	}
	session, err := s.Records.Session(ctx, c.session.Hash)
	if alfred.ErrorCode(err) == alfred.CodeNotFound || (err == nil && !s.Now().Before(session.Ends(sessionIdle))) {
		return errSessionEnded
	}
	return err
}

// sum is what was used since the hour in which the stream began.
func (f *feed) sum() (alfred.UsageSums, error) {
	rows, err := f.server.Records.UsageQuery(f.ctx, f.call.actor.Org, alfred.UsageQuery{
		From: f.hour, Until: f.server.Now().Add(time.Hour), Interval: alfred.IntervalHour, Filter: f.usage,
	})
	var out alfred.UsageSums
	for _, r := range rows {
		out.Add(r.UsageSums)
	}
	return out, err
}

// look tells what has happened since the last look.
func (f *feed) look(out *eventWriter) error {
	for _, part := range []func(*eventWriter, time.Time) error{f.tellDirectory, f.tellDenials, f.tellUsage, f.tellInbox, f.tellFirst} {
		if err := part(out, f.server.Now()); err != nil {
			return err
		}
	}
	return nil
}

func (f *feed) tellUsage(out *eventWriter, now time.Time) error {
	used, err := f.sum()
	if err != nil {
		return err
	}
	fresh := used
	fresh.Add(f.used.Negated())
	f.used = used
	if fresh.Requests == 0 && fresh.Cost == 0 {
		return nil
	}
	tick := api.UsageTick{At: now, Requests: fresh.Requests, Credits: fresh.Cost, Tokens: fresh.Usage.Tokens(), EventsBehind: nullable.NewNullNullable[int]()}
	if _, waiting, err := f.server.Live.Unrecorded(f.ctx, f.call.actor.Org); err == nil {
		tick.EventsBehind = nullable.NewNullableWithValue(int(waiting))
	}
	out.event("usage", position(now, f.audit), tick)
	return nil
}

func (f *feed) tellDenials(out *eventWriter, now time.Time) error {
	d := f.decisions
	d.From = now.Add(-lateRefusals)
	for id, at := range f.seen {
		if at.Before(d.From) {
			delete(f.seen, id)
		}
	}
	rows, _, err := f.server.decisionRows(f.ctx, f.call.actor.Org, d)
	if err != nil {
		return err
	}
	for i := len(rows) - 1; i >= 0; i-- { // oldest first
		if _, told := f.seen[rows[i].Id]; !told {
			f.seen[rows[i].Id] = rows[i].At
			out.event("denial", position(now, f.audit), rows[i])
		}
	}
	return nil
}

// tellDirectory says what kinds of things were changed, from the audit log.
func (f *feed) tellDirectory(out *eventWriter, now time.Time) error {
	rows, err := f.server.Records.Audit(f.ctx, f.call.actor.Org, alfred.AuditFilter{Limit: streamBatch})
	if err != nil {
		return err
	}
	tick := api.DirectoryTick{At: now}
	kinds := map[api.DirectoryTickKinds]bool{}
	newest := f.audit
	for _, e := range rows {
		if e.Seq <= f.audit {
			break
		}
		newest = max(newest, e.Seq)
		if k := changedKind(e.Action); k != "" && (!f.mine || e.Subject == string(f.call.actor.User)) {
			kinds[k] = true
		}
	}
	f.audit = newest
	for _, k := range []api.DirectoryTickKinds{"users", "teams", "settings"} {
		if kinds[k] {
			tick.Kinds = append(tick.Kinds, k)
		}
	}
	if len(tick.Kinds) > 0 {
		out.event("directory", position(now, f.audit), tick)
	}
	return nil
}

// changedKind is what an action of the audit log changes, "" for a sign-in.
func changedKind(action string) api.DirectoryTickKinds {
	subject, _, _ := strings.Cut(action, ".")
	switch subject {
	case "session":
		return ""
	case "user", "key", "transfer", "vacation", "job", "reallocation":
		return "users"
	case "team", "member":
		return "teams"
	default:
		return "settings"
	}
}

func (f *feed) tellInbox(out *eventWriter, now time.Time) error {
	if !f.mine {
		return nil
	}
	items, err := f.server.Records.Inbox(f.ctx, f.call.actor.Org, f.call.actor.User, true, streamBatch)
	if err != nil {
		return err
	}
	for i := len(items) - 1; i >= 0; i-- {
		if _, told := f.seen[items[i].ID]; !told {
			out.event("inbox", position(now, f.audit), items[i])
		}
		f.seen[items[i].ID] = now.Add(streamMemory)
	}
	return nil
}

// tellFirst tells of the first request that was ever recorded.
func (f *feed) tellFirst(out *eventWriter, now time.Time) error {
	if !f.virgin {
		return nil
	}
	first, _, err := f.server.Records.Requests(f.ctx, f.call.actor.Org, alfred.RequestFilter{Teams: f.decisions.Teams, Limit: 1})
	if err != nil || len(first) == 0 {
		return err
	}
	f.virgin = false
	out.event("first_request", position(now, f.audit), api.FirstRequest{At: first[0].At, RequestId: string(first[0].Request), Model: first[0].Model, Provider: first[0].Provider})
	return nil
}
