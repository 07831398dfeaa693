package storetest

import (
	"context"
	"fmt"
	"testing"
	"time"

	"github.com/google/go-cmp/cmp"

	"github.com/alfred-envoy/alfred"
	"github.com/alfred-envoy/alfred/store"
)

// RunStream puts a usage stream through the contract.
func RunStream(t *testing.T, open func(testing.TB) Stream) {
	cases := map[string]func(*tap){
		"events are read in order, with what they say": func(s *tap) {
			refusal := alfred.UsageEvent{
				Kind: alfred.EventDecision, Org: s.org, Reservation: "hold_1", At: time.Date(2026, 11, 5, 1, 2, 3, 4000, time.UTC),
				Refused: &alfred.Decision{ID: "dec_1", Code: alfred.CodeUserQuota, Need: 5, Limit: alfred.Unlimited},
			}
			if err := s.stream.AppendEvents(s.ctx, s.org, []alfred.UsageEvent{refusal}); err != nil {
				s.Fatal(err)
			}
			s.write(2)
			got := s.readN("a", 10, 3)
			if diff := cmp.Diff(refusal, got[0].Event); diff != "" {
				s.Errorf("event (-written +read):\n%s", diff)
			}
			s.names(got[1:], 1, 2)
			if at := got[1].Event.At; time.Since(at) > time.Hour || time.Until(at) > time.Hour {
				s.Errorf("an event without a time got %s", at)
			}
		},
		"nothing to read is no error, and reading waits for what comes": func(s *tap) {
			s.readN("a", 10, 0)
			got := make(chan []store.Entry, 1)
			go func() {
				entries, err := s.stream.ReadEvents(s.ctx, s.org, "a", 10, 20*time.Second)
				if err != nil {
					s.Error(err)
				}
				got <- entries
			}()
			s.write(1)
			s.names(<-got, 1)
			s.readN("a", 0, 0)
		},
		"what is not acknowledged is read again by the same consumer, and by no other": func(s *tap) {
			s.write(3)
			first := s.readN("a", 2, 2)
			s.names(s.readN("b", 10, 1), 3)
			s.names(s.readN("a", 10, 2), 1, 2)
			s.ack(first[:1])
			s.names(s.readN("a", 10, 1), 2)
			s.ack(first)
			s.readN("a", 10, 0)
			s.names(s.readN("b", 10, 1), 3)
		},
		"acknowledging out of order loses nothing": func(s *tap) {
			s.write(4)
			all := s.readN("a", 3, 3)
			s.ack(all[2:])
			s.ack(all[1:2])
			s.names(s.readN("a", 10, 1), 1)
			s.ack(all[:1])
			s.names(s.readN("a", 10, 1), 4)
		},
		"acknowledging what is unknown or was acknowledged is no error": func(s *tap) {
			s.write(1)
			got := s.readN("a", 10, 1)
			s.ack(got)
			s.ack(got)
			s.ack([]store.Entry{{ID: "99999999999999-0"}})
			s.write(1)
			s.readN("a", 10, 1)
		},
		"streams of organisations are apart": func(s *tap) {
			s.write(1)
			other := *s
			other.org = alfred.OrgID(unique(s, "org"))
			other.readN("a", 10, 0)
			s.readN("a", 10, 1)
		},
		"what a consumer has left is taken over after a while": func(s *tap) {
			clock, ok := clockOf(s.stream)
			if !ok {
				return // the clock of a real server cannot be moved
			}
			s.write(1)
			got := s.readN("a", 10, 1)
			clock.Advance(store.ClaimAfter - time.Millisecond)
			s.readN("b", 10, 0)
			clock.Advance(time.Millisecond)
			s.names(s.readN("b", 10, 1), 1)
			s.readN("a", 10, 0)
			s.ack(got)
			s.readN("b", 10, 0)
		},
	}
	for name, run := range cases {
		t.Run(name, func(t *testing.T) {
			run(&tap{T: t, ctx: t.Context(), stream: open(t), org: alfred.OrgID(unique(t, "org"))})
		})
	}
}

// tap is the stream of one organisation under test.
type tap struct {
	*testing.T
	ctx     context.Context
	stream  Stream
	org     alfred.OrgID
	written int
}

// write appends events named by their number.
func (s *tap) write(n int) {
	s.Helper()
	for range n {
		s.written++
		e := alfred.UsageEvent{Kind: alfred.EventDecision, Org: s.org, Reservation: alfred.HoldID(fmt.Sprintf("hold_%d", s.written))}
		if err := s.stream.AppendEvents(s.ctx, s.org, []alfred.UsageEvent{e}); err != nil {
			s.Fatal(err)
		}
	}
}

// readN reads and expects so many.
func (s *tap) readN(consumer string, most, want int) []store.Entry {
	s.Helper()
	got, err := s.stream.ReadEvents(s.ctx, s.org, consumer, most, 0)
	if err != nil || len(got) != want {
		s.Fatalf("%s reads %d entries, %v; expected %d", consumer, len(got), err, want)
	}
	return got
}

func (s *tap) names(entries []store.Entry, want ...int) {
	s.Helper()
	var got, expected []string
	for _, e := range entries {
		got = append(got, string(e.Event.Reservation))
	}
	for _, n := range want {
		expected = append(expected, fmt.Sprintf("hold_%d", n))
	}
	if diff := cmp.Diff(expected, got); diff != "" {
		s.Fatalf("entries (-expected +read):\n%s", diff)
	}
}

func (s *tap) ack(entries []store.Entry) {
	s.Helper()
	var ids []string
	for _, e := range entries {
		ids = append(ids, e.ID)
	}
	if err := s.stream.AckEvents(s.ctx, s.org, ids); err != nil {
		s.Fatal(err)
	}
}
