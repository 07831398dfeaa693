package postgres_test

import (
	"fmt"
	"testing"

	"github.com/alfred-envoy/alfred"
)

// BenchmarkRecordEvents is one batch of 500 events of 50 people.
func BenchmarkRecordEvents(b *testing.B) {
	w := newWorld(b)
	n := 0
	for b.Loop() {
		events := make([]alfred.UsageEvent, 500)
		for i := range events {
			n++
			events[i] = w.settled(fmt.Sprint("hold_", n), noon, 1)
			events[i].User = alfred.UserID(fmt.Sprint("usr_", i%50))
			events[i].Charges[0].Counter.Subject = string(events[i].User)
		}
		w.record(500, events...)
	}
}
