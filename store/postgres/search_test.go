package postgres_test

import (
	"fmt"
	"slices"
	"strings"
	"testing"

	"github.com/alfred-envoy/alfred"
)

// What is found are those who have the text, who begin with it first and then
// by name, with trigrams or without, and whether or not enough begin with it.
func TestPeopleAreFoundByAnyPartOfNameOrAddress(t *testing.T) {
	w := newWorld(t)
	type one struct{ id, name, mail string }
	var all []one
	add := func(name, mail string) {
		u := w.person(mail, func(u *alfred.User) { u.Name = name })
		all = append(all, one{string(u.ID), strings.ToLower(name), alfred.NormalEmail(mail)})
	}
	for i := range 30 {
		add([]string{"Ingrid Berg", "Ann Ingersoll", "bo 100%", "Under_score", `Back\slash`, "Dagny"}[i%6], fmt.Sprintf("p%02d.%s@example.com", i, []string{"berg", "ing", "x_y"}[i%3]))
	}
	add("Ingo", "other@example.com")
	gone := w.person("ing.gone@example.com", nil)
	w.must(w.DeleteUser(w.ctx, w.org, gone.ID, 0, noon))
	for _, way := range []string{"as migrated", "without trigrams"} {
		if way != "as migrated" {
			w.must(w.sql("DROP EXTENSION IF EXISTS pg_trgm CASCADE"))
		}
		for _, text := range []string{"ing", "INGRID", "i", "berg", "erg", "p0", "100%", "%", "_", `\`, "k\\s", "x_y", "nobody", "dagny", "p07.ing@example.com", "E"} {
			for _, most := range []int{1, 6, 100} {
				q := strings.ToLower(text)
				var want []one
				for _, o := range all {
					if strings.Contains(o.name, q) || strings.Contains(o.mail, q) {
						want = append(want, o)
					}
				}
				begins := func(o one) int {
					if strings.HasPrefix(o.name, q) || strings.HasPrefix(o.mail, q) {
						return 0
					}
					return 1
				}
				slices.SortFunc(want, func(a, b one) int {
					if d := begins(a) - begins(b); d != 0 {
						return d
					}
					if d := strings.Compare(a.name, b.name); d != 0 {
						return d
					}
					return strings.Compare(a.id, b.id)
				})
				hits, err := w.Search(w.ctx, w.org, text, nil, most)
				w.must(err)
				var have, expected []string
				for _, h := range hits {
					have = append(have, h.ID)
				}
				for _, o := range want[:min(most, len(want))] {
					expected = append(expected, o.id)
				}
				if !slices.Equal(have, expected) {
					t.Errorf("%s: %q, at most %d: found %v, want %v", way, text, most, have, expected)
				}
				listed, total, err := w.Directory(w.ctx, w.org, alfred.DirectoryQuery{UserFilter: alfred.UserFilter{Query: text, Limit: 200}, Window: november, Now: noon})
				w.must(err)
				if total != len(want) || len(listed) != len(want) {
					t.Errorf("%s: the list of %q has %d people of %d, want %d", way, text, len(listed), total, len(want))
				}
			}
		}
	}
}

func TestKeysAreFoundByTheirBeginning(t *testing.T) {
	w := newWorld(t)
	anna, bob := w.person("anna@example.com", nil), w.person("bob@example.com", nil)
	team := w.team("Red", 0)
	w.join(team.ID, anna.ID, 0, false)
	w.key(anna.ID)
	w.key(bob.ID)
	for text, want := range map[string]int{"tp-a": 0, "tp-ab": 2, "tp-abcd": 2, "tp-abcdefgh": 2, "TP-ABCD": 0, "tp-abx": 0} {
		hits, err := w.Search(w.ctx, w.org, text, nil, 6)
		w.must(err)
		w.same(len(hits), want)
	}
	hits, err := w.Search(w.ctx, w.org, "tp-abcd", []alfred.TeamID{team.ID}, 6)
	w.must(err)
	w.same(len(hits), 1)
}
