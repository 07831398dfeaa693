package admin

import (
	"maps"
	"sync"
	"time"
)

const (
	// recentFor is how old an answer may be that is dear to work out and tells
	// its age.
	recentFor = 30 * time.Second
	// momentary is how old live figures may be that are dear to read together.
	momentary = 5 * time.Second
	// recentMost bounds how many are kept.
	recentMost = 256
)

// recent keeps what was worked out a moment ago. What failed is not kept.
type recent[T any] struct {
	mu   sync.Mutex
	kept map[string]kept[T]
}

type kept[T any] struct {
	value T
	at    time.Time
}

// of answers from what is kept under a key and is younger than age, the same
// for all that is kept, or works it out. Whoever asks at the same time works it
// out too. What is answered is shared: nobody changes it.
func (r *recent[T]) of(key string, now time.Time, age time.Duration, work func() (T, error)) (T, error) {
	r.mu.Lock()
	k, ok := r.kept[key]
	r.mu.Unlock()
	if ok && now.Sub(k.at) < age {
		return k.value, nil
	}
	value, err := work()
	if err != nil {
		return value, err
	}
	r.mu.Lock()
	defer r.mu.Unlock()
	if r.kept == nil {
		r.kept = map[string]kept[T]{}
	}
	maps.DeleteFunc(r.kept, func(_ string, k kept[T]) bool { return now.Sub(k.at) >= age })
	if len(r.kept) < recentMost {
		r.kept[key] = kept[T]{value, now}
	}
	return value, nil
}
