package redis

import (
	"encoding/json"
	"strconv"
	"strings"
	"time"

	"github.com/alfred-envoy/alfred"
	"github.com/alfred-envoy/alfred/store"
)

// A record reads
//
//	R1|granted|taken by each leg|due in ms|tail     held
//	X1|charged|granted|taken by each leg|due|tail   expired and charged
//	S1|charged|                                     settled
//	S1|charged|forwarded                            settled by the permanent record alone
//	V1|0|                                           void
//
// The digit is the version of the encoding. What a step depends on comes
// first, so that a script can compare it without reading the rest: the head.
// The tail is JSON: counters, buckets and terms, which never change.

// record is a hold as it stands.
type record struct {
	standing store.Standing
	hold     alfred.HoldRecord // of Held and Expired
}

// tail is the constant part. Windows are written once, since most counters
// share one.
type tail struct {
	Windows [][2]int64            `json:"w"` // start and end, in µs
	Caps    []counterRef          `json:"c,omitempty"`
	Legs    []legRef              `json:"l"`
	Buckets []alfred.BucketCharge `json:"b,omitempty"`
	Terms   alfred.Terms          `json:"t"`
}

type counterRef struct {
	Kind    alfred.CounterKind `json:"k"`
	Subject string             `json:"s"`
	Window  int                `json:"w,omitempty"` // index
}

type legRef struct {
	Kind     alfred.LegKind `json:"k"`
	Counters []counterRef   `json:"c"`
}

func encodeTail(r alfred.HoldRecord) (string, error) {
	var t tail
	ref := func(c alfred.Counter) counterRef {
		w := [2]int64{c.Window.Start.UnixMicro(), c.Window.End.UnixMicro()}
		for i, have := range t.Windows {
			if have == w {
				return counterRef{c.Kind, c.Subject, i}
			}
		}
		t.Windows = append(t.Windows, w)
		return counterRef{c.Kind, c.Subject, len(t.Windows) - 1}
	}
	for _, c := range r.Caps {
		t.Caps = append(t.Caps, ref(c))
	}
	for _, l := range r.Legs {
		leg := legRef{Kind: l.Kind}
		for _, c := range l.Counters {
			leg.Counters = append(leg.Counters, ref(c))
		}
		t.Legs = append(t.Legs, leg)
	}
	t.Buckets, t.Terms = r.Buckets, r.Terms
	b, err := json.Marshal(t)
	if err != nil {
		return "", malformed("encode the record of %s: %v", r.Hold, err)
	}
	return string(b), nil
}

func decodeTail(text string, r *alfred.HoldRecord) error {
	var t tail
	if err := json.Unmarshal([]byte(text), &t); err != nil {
		return malformed("the record of %s: %v", r.Hold, err)
	}
	counters := func(refs []counterRef) ([]alfred.Counter, error) {
		var out []alfred.Counter
		for _, c := range refs {
			if c.Window < 0 || c.Window >= len(t.Windows) {
				return nil, malformed("the record of %s names window %d of %d", r.Hold, c.Window, len(t.Windows))
			}
			w := t.Windows[c.Window]
			out = append(out, alfred.Counter{Kind: c.Kind, Subject: c.Subject, Window: alfred.Window{
				Start: time.UnixMicro(w[0]).UTC(), End: time.UnixMicro(w[1]).UTC(),
			}})
		}
		return out, nil
	}
	var err error
	if r.Caps, err = counters(t.Caps); err != nil {
		return err
	}
	if len(t.Legs) != len(r.Legs) {
		return malformed("the record of %s has %d legs and %d takes", r.Hold, len(t.Legs), len(r.Legs))
	}
	for i, l := range t.Legs {
		r.Legs[i].Kind = l.Kind
		if r.Legs[i].Counters, err = counters(l.Counters); err != nil {
			return err
		}
	}
	r.Buckets, r.Terms = t.Buckets, t.Terms
	return nil
}

// takes writes what is granted and what each leg has taken of it.
func takes(r alfred.HoldRecord) string {
	taken := make([]string, len(r.Legs))
	for i, l := range r.Legs {
		taken[i] = decimal(l.Taken)
	}
	return decimal(r.Granted) + "|" + strings.Join(taken, ",") + "|"
}

// forwarded ends the record of a settlement that move.lua has refused as late.
const forwarded = "forwarded"

// head is how a record begins that stands so.
func head(s store.Standing, r alfred.HoldRecord) string {
	switch s.State {
	case store.Absent:
		return ""
	case store.Held:
		return "R1|" + takes(r)
	case store.Forwarded: // to versions before it, settled
		return "S1|" + decimal(s.Charged) + "|" + forwarded
	default:
		return string(s.State) + "1|" + decimal(s.Charged) + "|"
	}
}

// encode writes a record that stands so. That of an expired hold keeps the
// tail, for the truth that may come from somebody who does not have it.
func encode(s store.Standing, r alfred.HoldRecord) (string, error) {
	if s.State != store.Expired {
		return head(s, r), nil
	}
	tail, err := encodeTail(r)
	if err != nil {
		return "", err
	}
	return head(s, r) + takes(r) + strconv.FormatInt(r.Due.UnixMilli(), 10) + "|" + tail, nil
}

// decode reads a record; "" is that of a hold that is absent.
func decode(org alfred.OrgID, hold alfred.HoldID, text string) (record, error) {
	if text == "" {
		return record{}, nil
	}
	kind, rest, _ := strings.Cut(text, "|")
	bad := malformed("the record of %s cannot be read: %.40q", hold, text)
	if len(kind) != 2 || kind[1] != '1' {
		return record{}, bad
	}
	out := record{standing: store.Standing{State: store.State(kind[0])}}
	if out.standing.State != store.Held {
		charged, after, ok := strings.Cut(rest, "|")
		n, err := strconv.ParseInt(charged, 10, 64)
		if err != nil || !ok {
			return record{}, bad
		}
		out.standing.Charged, rest = alfred.Credits(n), after
	}
	switch out.standing.State {
	case store.Settled, store.Void:
		if out.standing.State == store.Settled && rest == forwarded {
			out.standing.State = store.Forwarded
		}
		return out, nil
	case store.Held, store.Expired:
	default:
		return record{}, bad
	}
	parts := strings.SplitN(rest, "|", 4)
	if len(parts) != 4 {
		return record{}, bad
	}
	granted, err := strconv.ParseInt(parts[0], 10, 64)
	if err != nil {
		return record{}, bad
	}
	due, err := strconv.ParseInt(parts[2], 10, 64)
	if err != nil {
		return record{}, bad
	}
	out.hold = alfred.HoldRecord{Org: org, Hold: hold, Granted: alfred.Credits(granted), Due: time.UnixMilli(due).UTC()}
	for taken := range strings.SplitSeq(parts[1], ",") {
		n, err := strconv.ParseInt(taken, 10, 64)
		if err != nil {
			return record{}, bad
		}
		out.hold.Legs = append(out.hold.Legs, alfred.HeldLeg{Taken: alfred.Credits(n)})
	}
	return out, decodeTail(parts[3], &out.hold)
}
