package faults

import (
	"bytes"
	"fmt"
	"io"
	"net"
	"sync"
	"sync/atomic"
	"time"
)

// Fault is what a Proxy does with one piece of a reply, that is, with what one read from the server returned. The server has
// executed by then what it answers.
type Fault struct {
	// Keep is how many bytes of the piece still reach the client, when Cut is set.
	Keep int
	// Cut closes the connection after that.
	Cut bool
	// Hold delays the piece, and all that comes after it on this connection.
	Hold time.Duration
}

// Proxy forwards TCP to one server at a time. Without its two functions it changes nothing.
type Proxy struct {
	// Reply chooses the fault for a piece of a reply. The zero Fault forwards it.
	Reply func(piece []byte) Fault
	// Again says whether, and after which delay, the server is sent a piece of a request once more, on a connection of its own:
	// a duplicate that arrives late, whose reply nobody reads.
	Again func(piece []byte) (delay time.Duration, again bool)

	listener net.Listener
	server   atomic.Pointer[string]
	active   atomic.Bool
	wg       sync.WaitGroup
	mu       sync.Mutex
	open     map[net.Conn]bool // nil once closed
}

// NewProxy listens on a free port of 127.0.0.1. It does no harm until Break.
func NewProxy(server string) (*Proxy, error) {
	l, err := net.Listen("tcp", "127.0.0.1:0")
	if err != nil {
		return nil, fmt.Errorf("listen for %s: %w", server, err)
	}
	p := &Proxy{listener: l, open: map[net.Conn]bool{}}
	p.Redirect(server)
	p.wg.Go(p.accept)
	return p, nil
}

// Address is where it listens.
func (p *Proxy) Address() string { return p.listener.Addr().String() }

// Redirect sends later connections to another server, as an address does that moves in a failover. Those that are open stay.
func (p *Proxy) Redirect(server string) { p.server.Store(&server) }

// Break begins to ask Reply and Again, Heal ends it. Set both functions before the first Break.
func (p *Proxy) Break() { p.active.Store(true) }

// Heal lets everything pass again.
func (p *Proxy) Heal() { p.active.Store(false) }

// Close ends every connection and waits for the last.
func (p *Proxy) Close() {
	_ = p.listener.Close()
	p.mu.Lock()
	for c := range p.open {
		_ = c.Close()
	}
	p.open = nil
	p.mu.Unlock()
	p.wg.Wait()
}

func (p *Proxy) accept() {
	for {
		client, err := p.listener.Accept()
		if err != nil {
			return
		}
		p.wg.Go(func() { p.serve(client) })
	}
}

func (p *Proxy) dial() (net.Conn, error) {
	return net.DialTimeout("tcp", *p.server.Load(), 5*time.Second)
}

// track remembers a connection for Close; it is false after Close.
func (p *Proxy) track(c net.Conn) bool {
	p.mu.Lock()
	defer p.mu.Unlock()
	if p.open == nil {
		_ = c.Close()
		return false
	}
	p.open[c] = true
	return true
}

func (p *Proxy) drop(c net.Conn) {
	_ = c.Close()
	p.mu.Lock()
	defer p.mu.Unlock()
	delete(p.open, c)
}

func (p *Proxy) serve(client net.Conn) {
	if !p.track(client) {
		return
	}
	defer p.drop(client)
	server, err := p.dial()
	if err != nil || !p.track(server) {
		return
	}
	defer p.drop(server)
	done := make(chan struct{})
	p.wg.Go(func() {
		defer close(done)
		p.requests(client, server)
		_ = server.Close()
	})
	p.replies(server, client)
	_ = client.Close()
	<-done
}

func (p *Proxy) requests(client, server net.Conn) {
	buffer := make([]byte, 64<<10)
	for {
		n, err := client.Read(buffer)
		if n > 0 {
			if p.active.Load() && p.Again != nil {
				piece := bytes.Clone(buffer[:n])
				if delay, again := p.Again(piece); again {
					p.wg.Go(func() { p.repeat(piece, delay) })
				}
			}
			if _, err := server.Write(buffer[:n]); err != nil {
				return
			}
		}
		if err != nil {
			return
		}
	}
}

// repeat sends a piece once more and waits until the server has answered something, so that it was executed.
func (p *Proxy) repeat(piece []byte, delay time.Duration) {
	<-time.After(delay)
	c, err := p.dial()
	if err != nil || !p.track(c) {
		return
	}
	defer p.drop(c)
	_ = c.SetDeadline(time.Now().Add(time.Second))
	if _, err := c.Write(piece); err == nil {
		_, _ = io.ReadAtLeast(c, make([]byte, 1), 1)
	}
}

func (p *Proxy) replies(server, client net.Conn) {
	buffer := make([]byte, 64<<10)
	for {
		n, err := server.Read(buffer)
		if n > 0 {
			var f Fault
			if p.active.Load() && p.Reply != nil {
				f = p.Reply(buffer[:n])
			}
			if f.Hold > 0 {
				<-time.After(f.Hold)
			}
			if f.Cut {
				n = min(n, f.Keep)
			}
			if _, writeErr := client.Write(buffer[:n]); writeErr != nil || f.Cut {
				return
			}
		}
		if err != nil {
			return
		}
	}
}
