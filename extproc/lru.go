package extproc

import "container/list"

// lru is a map that forgets what was not used for longest. It is not safe for
// concurrent use.
type lru[K comparable, V any] struct {
	max   int
	order *list.List // front: used last
	items map[K]*list.Element
}

type lruItem[K comparable, V any] struct {
	key   K
	value V
}

func newLRU[K comparable, V any](limit int) *lru[K, V] {
	return &lru[K, V]{max: limit, order: list.New(), items: make(map[K]*list.Element)}
}

func (l *lru[K, V]) get(k K) (V, bool) {
	e, ok := l.items[k]
	if !ok {
		var zero V
		return zero, false
	}
	l.order.MoveToFront(e)
	return e.Value.(*lruItem[K, V]).value, true
}

// put returns what it had to forget, if it had to.
func (l *lru[K, V]) put(k K, v V) (forgotten V, full bool) {
	if e, ok := l.items[k]; ok {
		e.Value.(*lruItem[K, V]).value = v
		l.order.MoveToFront(e)
		return forgotten, false
	}
	l.items[k] = l.order.PushFront(&lruItem[K, V]{k, v})
	if len(l.items) <= l.max {
		return forgotten, false
	}
	last := l.order.Back()
	l.order.Remove(last)
	item := last.Value.(*lruItem[K, V])
	delete(l.items, item.key)
	return item.value, true
}

// oldest calls f for each item, those that were not used for longest first,
// until f says no. f may remove the item.
func (l *lru[K, V]) oldest(f func(k K, v V) bool) {
	for e := l.order.Back(); e != nil; {
		item := e.Value.(*lruItem[K, V])
		e = e.Prev()
		if !f(item.key, item.value) {
			return
		}
	}
}

func (l *lru[K, V]) remove(k K) {
	if e, ok := l.items[k]; ok {
		l.order.Remove(e)
		delete(l.items, k)
	}
}

func (l *lru[K, V]) clear() {
	l.order.Init()
	clear(l.items)
}

func (l *lru[K, V]) len() int { return len(l.items) }
