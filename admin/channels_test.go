package admin_test

import (
	"bytes"
	"fmt"
	"net/http"
	"strings"
	"testing"
	"time"

	"github.com/alfred-envoy/alfred"
)

func TestChannels(t *testing.T) {
	s := newSlack(t)
	w := started(t, s.reachable, s.environment)
	add := func(body string) reply { return w.do("POST", "/v1/admin/channels", w.owner.key, body) }
	for address, why := range map[string]string{
		"hooks.slack.com/services/x": "expected the address", "ftp://hooks.slack.com/x": "expected https", "https://": "expected the address", "https://me:pw@hooks.slack.com/x": "expected the address",
		":": "expected the address",
	} {
		got := add(fmt.Sprintf(`{"name":"A","address":%q}`, address)).refused(http.StatusUnprocessableEntity, alfred.CodeValidation)
		if !strings.Contains(text(got["detail"]), why) {
			t.Errorf("%s: %v", address, got["detail"])
		}
	}
	add(`{"name":" ","address":"https://hooks.slack.com/services/T/B/xxxxxxxxxxxxxxx"}`).refused(http.StatusUnprocessableEntity, alfred.CodeValidation)
	add(`{"name":"A","address":"https://hooks.slack.com/services/T/B/xxxxxxxxxxxxxxx","from_percent":101}`).refused(http.StatusUnprocessableEntity, alfred.CodeValidation)

	made := add(fmt.Sprintf(`{"name":"#llm-costs","address":%q,"transfers":true}`, s.URL))
	c := made.is(http.StatusCreated)
	id := text(c["id"])
	if c["state"] != "untested" || c["from_percent"] != 90.0 || c["source"] != "record" || !strings.HasSuffix(text(c["address"]), "/…x7Yq") || c["last_delivery"] != nil {
		t.Errorf("made %s", made.body)
	}
	add(fmt.Sprintf(`{"name":"#LLM-costs","address":%q}`, s.URL)).refused(http.StatusConflict, alfred.CodeConflict)

	// A test is sent while one waits, and says what came of it.
	test := func(id string) map[string]any {
		w.clock.Set(w.clock.Now().Add(time.Second)) // ids are in the order of their times
		return w.do("POST", "/v1/admin/channels/"+id+"/test", w.owner.key, "").is(http.StatusOK)
	}
	state := func(id string) any {
		return w.do("GET", "/v1/admin/channels/"+id, w.owner.key, "").is(http.StatusOK)["state"]
	}
	if d := test(id); d["state"] != "delivered" || d["attempts"] != 1.0 || state(id) != "working" || len(s.heard()) != 1 {
		t.Errorf("tested: %v", d)
	}
	if d := test("environment"); d["state"] != "delivered" || state("environment") != "working" {
		t.Errorf("tested the environment's: %v", d)
	}
	for _, bad := range []struct {
		status int
		told   string
	}{
		{http.StatusNotFound, "404 no_service: it does not take the message"}, {http.StatusFound, "another address"}, {http.StatusTooManyRequests, "takes no more now"}, {http.StatusBadGateway, "a problem of its own"},
	} {
		s.answer, s.header = bad.status, http.Header{"Location": {s.URL + "/elsewhere"}}
		if d := test(id); d["state"] != "failed" || !strings.Contains(text(d["detail"]), bad.told) || state(id) != "failing" {
			t.Errorf("%d: %v", bad.status, d)
		}
	}
	failed := w.do("GET", "/v1/admin/deliveries?limit=1&channel="+id, w.owner.key, "").list()[0].(map[string]any)
	s.answer = http.StatusOK
	if d := w.do("POST", "/v1/admin/deliveries/"+text(failed["id"])+"/resend", w.owner.key, "").is(http.StatusOK); d["state"] != "pending" {
		t.Errorf("sent again: %v", d)
	}
	if w.deliver(); len(s.heard()) != 2 || state(id) != "working" { // the test of the environment's, and this
		t.Error("it was not sent again")
	}

	// The address is nowhere: not in answers, nor in the audit log, nor in the
	// database, of which a copy tells nothing.
	audit := w.do("GET", "/v1/admin/audit?limit=200", w.owner.key, "")
	sealed, err := w.records.Channel(w.ctx, w.org, id)
	w.must(err)
	for _, where := range [][]byte{audit.body, made.body, sealed.Address, w.do("GET", "/v1/admin/channels", w.owner.key, "").body, w.do("GET", "/v1/admin/deliveries", w.owner.key, "").body} {
		if bytes.Contains(where, []byte("a-secret-of-slacks")) {
			t.Errorf("the address is told: %s", where)
		}
	}
	// Sealed for one row, it is of no use in another, and under another key it is none.
	other := w.channel("other", s.URL)
	moved, err := w.records.Channel(w.ctx, w.org, other)
	w.must(err)
	moved.Address = sealed.Address
	w.must(w.records.PutChannel(w.ctx, moved))
	if d := test(other); d["state"] != "failed" || !strings.Contains(text(d["detail"]), "ALFRED_SECRET_KEY") {
		t.Errorf("an address of another row: %v", d)
	}

	// Two who change one.
	w.do("PATCH", "/v1/admin/channels/"+id, w.owner.key, `{"from_percent":50}`, `If-Match: "v1"`).is(http.StatusOK)
	w.do("PATCH", "/v1/admin/channels/"+id, w.owner.key, `{"from_percent":75}`, `If-Match: "v1"`).refused(http.StatusPreconditionFailed, alfred.CodeStaleVersion)
	w.do("PATCH", "/v1/admin/channels/"+id, w.owner.key, `{"name":"other"}`).refused(http.StatusConflict, alfred.CodeConflict)
	if c := w.do("PATCH", "/v1/admin/channels/"+id, w.owner.key, `{"name":"renamed","transfers":false}`).is(http.StatusOK); c["name"] != "renamed" || c["transfers"] != false || c["from_percent"] != 50.0 {
		t.Errorf("changed: %v", c)
	}
	if d := test(id); d["state"] != "delivered" {
		t.Errorf("the address has not stayed: %v", d)
	}
	for _, method := range []string{"PATCH", "DELETE"} {
		body := map[string]string{"PATCH": `{"name":"x"}`}[method]
		w.do(method, "/v1/admin/channels/environment", w.owner.key, body).refused(http.StatusConflict, alfred.CodeConflict)
	}
	w.do("DELETE", "/v1/admin/channels/"+id, w.owner.key, "").is(http.StatusNoContent)
	w.do("GET", "/v1/admin/channels/"+id, w.owner.key, "").refused(http.StatusNotFound, alfred.CodeNotFound)
	if d := w.do("GET", "/v1/admin/deliveries?channel="+id, w.owner.key, "").list(); len(d) != 0 {
		t.Errorf("messages of a channel that is gone: %v", d)
	}
}

// Nobody gets to see what lies behind the firewall by naming it as a channel.
func TestAChannelIsOnTheInternet(t *testing.T) {
	s := newSlack(t)
	w := started(t)
	for _, ip := range []string{"127.0.0.1", "10.1.2.3", "172.16.0.1", "192.168.1.1", "169.254.169.254", "100.64.0.1", "0.0.0.0", "[::1]", "[::ffff:127.0.0.1]", "[fd00::1]", "[fe80::1]", "[64:ff9b::7f00:1]", "224.0.0.1", "198.18.0.1", "255.255.255.255"} {
		got := w.do("POST", "/v1/admin/channels", w.owner.key, fmt.Sprintf(`{"name":"x","address":"https://%s/services/xxxxxxxxxxxx"}`, ip)).refused(http.StatusUnprocessableEntity, alfred.CodeValidation)
		if !strings.Contains(text(got["detail"]), "ALFRED_PRIVATE_WEBHOOKS") {
			t.Errorf("%s: %v", ip, got["detail"])
		}
	}
	w.do("POST", "/v1/admin/channels", w.owner.key, `{"name":"x","address":"http://hooks.slack.com/services/xxxxxxxxxxxx"}`).refused(http.StatusUnprocessableEntity, alfred.CodeValidation)

	// A name that leads inside is noticed when it is looked up.
	port := s.URL[strings.LastIndex(strings.TrimSuffix(s.URL, "/services/T0000/B0000/a-secret-of-slacks-x7Yq"), ":"):]
	id := w.channel("inside", "https://localhost"+port)
	d := w.do("POST", "/v1/admin/channels/"+id+"/test", w.owner.key, "").is(http.StatusOK)
	if d["state"] != "failed" || !strings.Contains(text(d["detail"]), "not public") || len(s.heard()) != 0 {
		t.Errorf("a name that leads inside: %v", d)
	}
}

// Where nobody is, or only who is inside, no channel is.
func TestAddressesThatAreNotPublic(t *testing.T) {
	w := started(t)
	for _, host := range []string{"[::127.0.0.1]", "[fec0::1]", "[2001:db8::1]", "[100::1]", "[3fff::1]", "[5f00::1]", "[64:ff9b::10.0.0.1]", "[64:ff9b:1::1]", "[2002:7f00:1::]", "[fe80::1%25eth0]", "192.0.2.1", "192.88.99.1", "198.51.100.1", "203.0.113.1", ":443"} {
		w.do("POST", "/v1/admin/channels", w.owner.key, fmt.Sprintf(`{"name":"x","address":"https://%s/services/xxxxxxxxxxxx"}`, host)).refused(http.StatusUnprocessableEntity, alfred.CodeValidation)
	}
	for _, host := range []string{"8.8.8.8", "[2606:4700::1111]", "[64:ff9b::8.8.8.8]"} { // the last is how an IPv6 network reaches the one before (RFC 6052)
		w.channel(host, fmt.Sprintf("https://%s/services/xxxxxxxxxxxx", host))
	}
}
