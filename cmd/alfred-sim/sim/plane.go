package sim

import (
	"fmt"
	"math/rand/v2"
	"slices"
	"time"

	"github.com/prometheus/client_golang/prometheus"

	"github.com/alfred-envoy/alfred"
	"github.com/alfred-envoy/alfred/admin"
	"github.com/alfred-envoy/alfred/extproc"
	"github.com/alfred-envoy/alfred/extproc/spool"
)

// plane is one data plane: the real gate with everything behind it, on a
// simulated machine.
type plane struct {
	world *world
	host  *host
	disk  *disk
	skew  time.Duration

	spool *spool.Spool
	steps extproc.Steps
}

const (
	holdTTL    = 30 * time.Second
	holdExtend = 8 * time.Second
	allowance  = 300 * alfred.Credit
)

// start runs the program: what it finds on its disk, and the loops that
// extproc.Server.Run has.
func (p *plane) start() error {
	w := p.world
	var err error
	if p.spool, err = spool.Open(spool.Config{Dir: p.disk.dir, MaxBytes: spoolLimit, SegmentBytes: 8 << 10, Create: p.disk.create}); err != nil {
		return fmt.Errorf("start %s: %w", p.host.name, err)
	}
	if damage := p.spool.Damage(); len(damage) > 0 {
		w.broken("a crash damages no record that was synced", "%s: %v", p.host.name, damage)
	}
	var seed [32]byte
	for i := range seed {
		seed[i] = byte(w.net.Uint32())
	}
	here := live{w, p.host}
	server, err := extproc.New(extproc.Config{
		Ledger: here, Directory: here, Pepper: []byte("pepper"), Backends: []extproc.Backend{{Name: "mock", BaseURL: "http://localhost"}},
		Gate:  extproc.GateSettings{Timeout: w.redis.timeout, FailMode: alfred.FailDeny, HoldTTL: holdTTL, HoldExtend: holdExtend, Allowance: allowance, Processes: 3},
		Spool: p.spool, Marks: here, Metrics: prometheus.NewRegistry(), Log: w.log, Entropy: rand.NewChaCha8(seed),
		Now:   func() time.Time { return w.now.Add(p.skew) },
		Tempo: extproc.Tempo{Go: func(work func()) { w.begin(p.host, work) }, Pause: w.pause},
	})
	if err != nil {
		return fmt.Errorf("start %s: %w", p.host.name, err)
	}
	p.host.dead = false
	p.steps = server.Steps()
	w.loop(p.host, func() time.Duration { p.steps.Keep(w.ctx); return time.Second })
	w.loop(p.host, func() time.Duration { p.steps.Extend(w.ctx); return time.Second })
	w.loop(p.host, func() time.Duration { p.steps.SetAside(w.ctx); return time.Second })
	w.loop(p.host, func() time.Duration { p.steps.Journal(); return 500 * time.Millisecond })
	w.loop(p.host, func() time.Duration {
		w.wait(time.Duration(w.net.Int64N(int64(10 * time.Second))))
		p.steps.Reap(w.ctx)
		return time.Second
	})
	return nil
}

// loop takes a step again and again, as long as its host lives.
func (w *world) loop(h *host, step func() time.Duration) {
	w.begin(h, func() {
		for {
			w.wait(step())
		}
	})
}

// startControl runs a recorder, the publisher, or what people ask.
func (w *world) startControl(h *host) {
	if slices.Contains(w.admins, h) {
		w.startAdmin(h)
		return
	}
	h.dead = false
	here := live{w, h}
	records := remote{w.record, w, h}
	if h.name == "publisher" {
		now := func() time.Time { return w.now }
		publisher := admin.Publisher{Records: records, Live: published{live: here}, Now: now, Log: w.log}
		rebuilder := &admin.Rebuilder{Records: records, Live: building{here}, Now: now, Log: w.log}
		w.loop(h, func() time.Duration { _ = rebuilder.Step(w.ctx, orgID); return 250 * time.Millisecond }) // tried again
		jobs := admin.Jobs{Config: admin.Config{Records: records, Live: published{live: here}, Now: now, Log: w.log}}
		w.loop(h, func() time.Duration { _ = jobs.RestoreDirectory(w.ctx); return 30 * time.Second }) // tried again
		w.loop(h, func() time.Duration {
			if n, err := publisher.Step(w.ctx); err != nil || n == 0 {
				return 300 * time.Millisecond
			}
			return 0
		})
		return
	}
	recorder := admin.Recorder{Records: records, Events: events{here}, Consumer: h.name, Log: w.log}
	w.loop(h, func() time.Duration {
		if n, err := recorder.Step(w.ctx, orgID, 0); err != nil || n == 0 {
			return 400 * time.Millisecond
		}
		return 0
	})
}

// kill ends a process, and starts it again after a while.
func (w *world) kill(h *host, life int) {
	if h.life != life || h.dead {
		return
	}
	w.say("%s dies", h.name)
	w.deaths++
	h.life++
	h.dead = true
	plane := w.planeOf(h)
	if plane != nil {
		plane.disk.off = true
		_ = plane.spool.Close() // a machine that has stopped writes nothing
		plane.disk.crash()
	}
	w.after(time.Duration(w.net.Int64N(int64(2*time.Minute))), func() { w.revive(h) })
}

func (w *world) revive(h *host) {
	if !h.dead {
		return
	}
	w.say("%s starts", h.name)
	if plane := w.planeOf(h); plane != nil {
		if err := plane.start(); err != nil {
			w.broken("a data plane starts", "%v", err)
		}
		return
	}
	w.startControl(h)
}

func (w *world) planeOf(h *host) *plane {
	for _, p := range w.planes {
		if p.host == h {
			return p
		}
	}
	return nil
}
