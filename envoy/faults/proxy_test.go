package faults_test

import (
	"errors"
	"io"
	"net"
	"strings"
	"testing"
	"time"

	"github.com/alfred-envoy/alfred/envoy/faults"
)

// echo answers every line with itself, and tells of each line that it received.
func echo(t *testing.T) (address string, received <-chan string) {
	t.Helper()
	l, err := net.Listen("tcp", "127.0.0.1:0")
	if err != nil {
		t.Fatal(err)
	}
	t.Cleanup(func() { _ = l.Close() })
	lines := make(chan string, 100)
	go func() {
		for {
			c, err := l.Accept()
			if err != nil {
				return
			}
			go func() {
				defer func() { _ = c.Close() }()
				buffer := make([]byte, 1024)
				for {
					n, err := c.Read(buffer)
					if err != nil {
						return
					}
					lines <- string(buffer[:n])
					if _, err := c.Write(buffer[:n]); err != nil {
						return
					}
				}
			}()
		}
	}()
	return l.Addr().String(), lines
}

// say sends a word through the proxy and returns what comes back until the connection ends or all of it is there.
func say(t *testing.T, p *faults.Proxy, word string) string {
	t.Helper()
	c, err := net.Dial("tcp", p.Address())
	if err != nil {
		t.Fatal(err)
	}
	defer func() { _ = c.Close() }()
	if _, err := io.WriteString(c, word); err != nil {
		t.Fatal(err)
	}
	_ = c.SetReadDeadline(time.Now().Add(time.Minute))
	reply := make([]byte, len(word))
	n, err := io.ReadFull(c, reply)
	if ne, ok := errors.AsType[net.Error](err); ok && ne.Timeout() {
		t.Fatal(err)
	}
	return string(reply[:n])
}

// The tool that the stories rest on does what it says: every fault happens after the server has received the request.
func TestProxyDoesWrongOnPurpose(t *testing.T) {
	t.Parallel()
	for name, test := range map[string]struct {
		fault faults.Fault
		again bool
		want  string
	}{
		"nothing":      {faults.Fault{}, false, "hello"},
		"swallowed":    {faults.Fault{Cut: true}, false, ""},
		"cut":          {faults.Fault{Cut: true, Keep: 2}, false, "he"},
		"held":         {faults.Fault{Hold: time.Millisecond}, false, "hello"},
		"sent again":   {faults.Fault{}, true, "hello"},
		"held and cut": {faults.Fault{Hold: time.Millisecond, Cut: true, Keep: 100}, false, "hello"},
	} {
		t.Run(name, func(t *testing.T) {
			address, received := echo(t)
			p := newProxy(t, address)
			p.Reply = func([]byte) faults.Fault { return test.fault }
			p.Again = func(piece []byte) (time.Duration, bool) {
				return 0, test.again && strings.Contains(string(piece), "hello")
			}
			if got := say(t, p, "sound"); got != "sound" {
				t.Errorf("before it is broken it answers %q", got)
			}
			p.Break()
			if got := say(t, p, "hello"); got != test.want {
				t.Errorf("it answers %q, want %q", got, test.want)
			}
			p.Heal()
			if got := say(t, p, "healed"); got != "healed" {
				t.Errorf("when it is healed it answers %q", got)
			}
			counts, want := map[string]int{}, 1
			if test.again {
				want = 2
			}
			for n := range 2 + want {
				select {
				case word := <-received:
					counts[word]++
				case <-time.After(time.Minute):
					t.Fatalf("the server received only %d requests", n)
				}
			}
			if counts["sound"] != 1 || counts["hello"] != want || counts["healed"] != 1 {
				t.Errorf("the server received %v", counts)
			}
		})
	}
}
