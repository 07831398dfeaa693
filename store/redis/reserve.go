package redis

import (
	"context"
	"fmt"
	"strconv"
	"strings"
	"time"

	"github.com/alfred-envoy/alfred"
	"github.com/alfred-envoy/alfred/store"
)

// Reserve holds an amount between need and want on every counter of the
// request, or nothing. The same hold again is answered as it was and changes
// nothing.
//
// A refusal is a value. After an error the fate of the hold is unknown: the
// caller voids it, with a record that has only organisation and hold.
func (s *Store) Reserve(ctx context.Context, r alfred.ReserveRequest) (alfred.ReserveReply, error) {
	reply, err := s.reserve(ctx, r)
	if err != nil {
		return alfred.ReserveReply{}, fmt.Errorf("reserve %s: %w", r.Hold, err)
	}
	return reply, nil
}

func (s *Store) reserve(ctx context.Context, r alfred.ReserveRequest) (alfred.ReserveReply, error) {
	if err := store.CheckReserve(r); err != nil {
		return alfred.ReserveReply{}, err
	}
	call, err := newReserveCall(r)
	if err != nil {
		return alfred.ReserveReply{}, err
	}
	ctx, cancel := context.WithTimeout(ctx, s.timeout)
	defer cancel()
	ctx, server := answering(ctx)
	values, err := s.scripts.reserve.Run(ctx, s.client, call.keys, call.args...).Slice()
	if err == nil && len(values) > 0 && values[0] == "denied" {
		// Spent or held? Ask again with the settled counters to be read. By
		// now it may fit, which is fine.
		k := keysOf(r.Org)
		for _, c := range call.charges {
			call.keys = append(call.keys, k.settled(c.Counter))
		}
		values, err = s.scripts.reserve.Run(ctx, s.client, call.keys, call.args...).Slice()
	}
	if err != nil {
		return alfred.ReserveReply{}, unavailable(err)
	}
	reply, err := call.read(values)
	reply.Server = *server
	return reply, err
}

// reserveCall is one request as the script takes it.
type reserveCall struct {
	request alfred.ReserveRequest
	charges []alfred.Charge
	record  alfred.HoldRecord
	keys    []string
	args    []any
}

func newReserveCall(r alfred.ReserveRequest) (*reserveCall, error) {
	c := &reserveCall{request: r, charges: store.Charges(r), record: store.Record(r)}
	tail, err := encodeTail(c.record)
	if err != nil {
		return nil, err
	}
	k := keysOf(r.Org)
	n := len(c.charges)
	c.keys = append(make([]string, 0, 3+2*n+len(r.Buckets)), k.epoch(), k.open(), k.hold(r.Hold))
	c.args = append(make([]any, 0, 9+n+2*len(r.Buckets)),
		decimal(r.Want), decimal(r.Need),
		r.Window.Start.UnixMicro(), r.Window.End.UnixMicro(),
		r.TTL.Milliseconds(), string(r.Hold), shape(r), "", tail)
	purges := make([]byte, 0, 14*n)
	for i, charge := range c.charges {
		c.keys = append(c.keys, k.committed(charge.Counter))
		c.args = append(c.args, decimal(charge.Ceiling))
		if i > 0 {
			purges = append(purges, ',')
		}
		purges = append(purges, purge(charge.Counter.Window)...)
	}
	c.args[7] = string(purges)
	for _, b := range r.Buckets {
		c.keys = append(c.keys, k.bucket(b.Bucket))
		c.args = append(c.args, b.Units*b.Bucket.Interval(), b.Bucket.Burst())
	}
	return c, nil
}

// shape packs how many of what a request has, and the share rules.
func shape(r alfred.ReserveRequest) string {
	var b strings.Builder
	put := func(n int) { b.WriteByte(byte('0' + n)) }
	put(len(r.Caps))
	put(len(r.Legs))
	put(len(r.Buckets))
	for _, l := range r.Legs {
		put(len(l.Group))
	}
	for _, c := range r.Caps {
		if c.Mode == alfred.Shadow {
			put(4 + int(c.Share))
		} else {
			put(int(c.Share))
		}
	}
	for _, l := range r.Legs {
		for _, c := range l.Group {
			put(int(c.Share))
		}
	}
	return b.String()
}

// read turns the script's reply into ours.
func (c *reserveCall) read(reply []any) (out alfred.ReserveReply, err error) {
	if len(reply) < 3 {
		return out, malformed("a reply of %d values", len(reply))
	}
	if out.Now, err = clock(reply[1], reply[2]); err != nil {
		return out, err
	}
	switch reply[0] {
	case "stale":
		out.Verdict = alfred.VerdictStale
		return out, nil
	case "learning":
		out.Verdict = alfred.VerdictLearning
		return out, nil
	}
	var values []any
	if len(reply) > 3 {
		values, _ = reply[3].([]any)
	}
	n, buckets := len(c.charges), len(c.request.Buckets)
	if len(values) < 1+n+buckets {
		return out, malformed("a reply of %d counters for %d", len(values), n)
	}
	balances := make([]alfred.Balance, n)
	for i := range balances {
		v, err := number(values[1+i])
		if err != nil {
			return out, err
		}
		balances[i].Committed = alfred.Credits(v)
		if at := 1 + n + buckets + i; at < len(values) {
			if v, err = number(values[at]); err != nil {
				return out, err
			}
			balances[i].Settled = alfred.Credits(v)
		}
	}
	switch reply[0] {
	case "replay":
		err = c.replayed(&out, values[0], balances)
	case "granted":
		err = c.granted(&out, reply, balances)
	case "denied":
		out.Verdict, out.Blocker = store.Refused(c.request, balances)
		out.Balances = balances
	case "rate":
		err = c.rated(&out, reply, balances)
	default:
		err = malformed("verdict %v", reply[0])
	}
	return out, err
}

func (c *reserveCall) replayed(out *alfred.ReserveReply, text any, balances []alfred.Balance) error {
	raw, _ := text.(string)
	rec, err := decode(c.request.Org, c.request.Hold, raw)
	if err != nil {
		return err
	}
	if rec.standing.State != store.Held {
		out.Verdict = alfred.VerdictReplay
		return nil
	}
	out.Verdict, out.Record = alfred.VerdictGranted, rec.hold
	out.Remaining = store.Remaining(c.request, func(i int) alfred.Credits { return balances[i].Committed })
	for i := range balances {
		balances[i].Settled = 0
	}
	out.Balances = balances
	return nil
}

func (c *reserveCall) granted(out *alfred.ReserveReply, reply []any, balances []alfred.Balance) error {
	if len(reply) != 6 {
		return malformed("a grant of %d values", len(reply))
	}
	text, _ := reply[4].(string)
	due, err := number(reply[5])
	if err != nil {
		return err
	}
	parts := strings.Split(text, "|") // R1|granted|takes|
	if len(parts) != 4 {
		return malformed("a grant of %q", text)
	}
	granted, err := number(parts[1])
	if err != nil {
		return err
	}
	taken := strings.Split(parts[2], ",")
	if len(taken) != len(c.record.Legs) {
		return malformed("a grant of %q to %d legs", text, len(c.record.Legs))
	}
	out.Verdict = alfred.VerdictGranted
	out.Shadow = store.ShadowCodes(c.request, func(i int) alfred.Credits { return balances[i].Committed })
	rec := c.record
	rec.Granted, rec.Due = alfred.Credits(granted), time.UnixMilli(due).UTC()
	for i := range c.request.Caps {
		balances[i].Committed += rec.Granted
	}
	at := len(c.request.Caps)
	for i := range rec.Legs {
		n, err := strconv.ParseInt(taken[i], 10, 64)
		if err != nil {
			return malformed("a grant of %q", text)
		}
		rec.Legs[i].Taken = alfred.Credits(n)
		for range rec.Legs[i].Counters {
			balances[at].Committed += rec.Legs[i].Taken
			at++
		}
	}
	for i := range balances {
		balances[i].Settled = 0
	}
	out.Record = rec
	out.Remaining = store.Remaining(c.request, func(i int) alfred.Credits { return balances[i].Committed })
	out.Balances = balances
	return nil
}

func (c *reserveCall) rated(out *alfred.ReserveReply, reply []any, balances []alfred.Balance) error {
	if len(reply) != 6 {
		return malformed("a wait of %d values", len(reply))
	}
	at, err := number(reply[4])
	if err != nil {
		return err
	}
	wait, err := number(reply[5])
	if err != nil {
		return err
	}
	if at < 1 || int(at) > len(c.request.Buckets) {
		return malformed("bucket %d of %d", at, len(c.request.Buckets))
	}
	out.Verdict, out.RetryIn = alfred.VerdictRate, time.Duration(wait)*time.Microsecond
	out.Blocker = alfred.Blocker{Code: alfred.CodeRateLimited, Bucket: c.request.Buckets[at-1].Bucket}
	for i := range balances {
		balances[i].Settled = 0
	}
	out.Balances = balances
	return nil
}
