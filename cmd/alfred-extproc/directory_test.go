package main

import (
	"encoding/json"
	"fmt"
	"net/http"
	"testing"

	goredis "github.com/redis/go-redis/v9"

	"github.com/alfred-envoy/alfred"
)

// awaitDirectory waits until /readyz tells this of the directory.
func (w *world) awaitDirectory(t *testing.T, want string) {
	t.Helper()
	eventually(t, func() error { return w.directoryIs(want) })
}

func (w *world) directoryIs(want string) error {
	r, err := http.Get("http://" + w.http + "/readyz")
	if err != nil {
		return err
	}
	defer func() { _ = r.Body.Close() }()
	var body struct {
		Directory string `json:"directory"`
		Why       string `json:"directory_reason"`
	}
	if err := json.NewDecoder(r.Body).Decode(&body); err != nil {
		return err
	}
	if r.StatusCode != http.StatusOK || body.Directory != want || (body.Why == "") != (want == "current") {
		return fmt.Errorf("readyz: %s %+v, want %s", r.Status, body, want)
	}
	return nil
}

// Neither Postgres nor alfred-admin is anywhere: a process that starts serves what was published, and when what is published is
// damaged or gone it says so and goes on with what it read.
func TestANewProcessStartsWithoutPostgresAndAdminAndKeepsItsLastGoodDirectory(t *testing.T) {
	w := newWorld(t, 100_000*alfred.Credit)
	if a := w.chat(t, hello); a.status != http.StatusOK {
		t.Fatalf("%d: %s", a.status, a.body)
	}
	w.awaitDirectory(t, "current")

	options, err := goredis.ParseURL(w.valkey.URL())
	if err != nil {
		t.Fatal(err)
	}
	client := goredis.NewClient(options)
	defer func() { _ = client.Close() }()
	key := "a:{" + string(org) + "}:dir:catalog"
	whole, err := client.Get(t.Context(), key).Result()
	if err != nil {
		t.Fatal(err)
	}
	serves := func(state string) {
		t.Helper()
		w.awaitDirectory(t, state)
		if a := w.chat(t, hello); a.status != http.StatusOK {
			t.Errorf("while the directory is %s: %d: %s", state, a.status, a.body)
		}
	}
	if err := client.Set(t.Context(), key, whole[:len(whole)/2], 0).Err(); err != nil {
		t.Fatal(err)
	}
	serves("half-written")
	credential := "a:dir:key:" + alfred.HashSecret(w.key, []byte(pepper))
	person, err := client.Get(t.Context(), credential).Result()
	if err != nil {
		t.Fatal(err)
	}
	if err := client.Del(t.Context(), key, "a:dir:orgs", credential).Err(); err != nil {
		t.Fatal(err)
	}
	serves("missing")
	// The key's record may have been missed too. It is seen again when somebody asks with it.
	if err := client.Set(t.Context(), credential, person, 0).Err(); err != nil {
		t.Fatal(err)
	}
	if err := client.Set(t.Context(), key, whole, 0).Err(); err != nil {
		t.Fatal(err)
	}
	if err := client.SAdd(t.Context(), "a:dir:orgs", string(org)).Err(); err != nil {
		t.Fatal(err)
	}
	eventually(t, func() error {
		if a := w.chat(t, hello); a.status != http.StatusOK {
			t.Errorf("while the directory comes back: %d: %s", a.status, a.body)
		}
		return w.directoryIs("current")
	})
}
