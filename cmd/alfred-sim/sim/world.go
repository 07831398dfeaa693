package sim

import (
	"context"
	"fmt"
	"hash/fnv"
	"io"
	"log/slog"
	"math/rand/v2"
	"os"
	"path/filepath"
	"strings"
	"time"

	"github.com/alfred-envoy/alfred"
	"github.com/alfred-envoy/alfred/extproc"
	"github.com/alfred-envoy/alfred/store/memory"
)

const orgID = alfred.OrgID("org_sim")

// world is one history.
type world struct {
	options Options
	ctx     context.Context
	log     *slog.Logger
	out     io.Writer // of the trace; nil keeps the hash only
	hash    interface {
		io.Writer
		Sum64() uint64
	}

	now     time.Time
	began   time.Time
	agenda  agenda
	planned int
	fibers  map[*fiber]struct{}
	current *fiber
	work    *rand.Rand // what people and admins do, and which faults come
	net     *rand.Rand // what becomes of each message
	faulty  bool
	rate    rates

	store    *memory.Store
	redis    *service
	postgres *service
	record   *record
	replica  *replica // what a failover would lead to; nil when the replica keeps up
	planes   []*plane
	hosts    []*host // of the control plane
	admins   []*host // of them, those that people ask
	dir      string

	shadow    shadow
	moved     bool // the last operation changed a counter
	excess    map[string]alfred.Credits
	ending    alfred.HoldID               // the hold that an operation ends
	lowered   map[lowering]lowered        // by endings, on the ledger as it stands
	unlowered map[lowering]alfred.Credits // … on one that was lost, and not again since
	spooled   map[spoolEntry]alfred.HoldID
	ceilings  map[alfred.UserID][]ceiling
	highest   map[alfred.UserID]alfred.Credits
	unread    map[*host]time.Time
	replaced  time.Time              // when a failover was last
	unheard   bool                   // nobody waits any more for the answer to what is executed
	orphans   map[alfred.HoldID]bool // granted unheard
	raising   bool                   // the rebuilder is at the counters
	uneven    bool                   // it raised some while others were too high
	asides    map[alfred.HoldID]*aside
	spentFrom map[alfred.HoldID]alfred.HoldID // allowances, by the requests that were admitted from them
	booked    map[alfred.HoldID]bool          // told to the live store, which took it
	covered   map[string]alfred.Credits       // by an allowance, of what is executed
	local     int                             // requests that were admitted from allowances
	truths    []*truth
	motions   []*motion
	moving    int // motions that have begun
	stepped   int
	granted   int
	deaths    int
	lost      int // failovers
	failure   *Failure
	emptied   bool
	high      bool // a counter ended above the record, within its bound
}

// replica is the live store as a replica has it that fell behind.
type replica struct {
	at     time.Time
	data   *memory.Snapshot
	shadow shadow
}

// Run plays a history. Dir is where spools lie for as long as it takes; out
// gets the trace when it is not nil. The error is of the machine that runs it.
func Run(o Options, dir string, out io.Writer) (report Report, err error) {
	dir, err = os.MkdirTemp(dir, "alfred-sim")
	if err != nil {
		return report, err
	}
	defer func() { _ = os.RemoveAll(dir) }()
	w := newWorld(o, dir, out)
	defer w.close()
	if err := w.open(); err != nil {
		return report, err
	}
	w.play()
	w.rest()
	report = Report{
		Failure: w.failure, Trace: w.hash.Sum64(), Requests: len(w.truths), Granted: w.granted, Deaths: w.deaths, Failovers: w.lost, Local: w.local,
		Elapsed: w.now.Sub(w.began),
	}
	for _, t := range w.truths {
		if t.acknowledged {
			report.Settled++
		}
	}
	if w.high {
		report.High = 1
	}
	for _, m := range w.motions {
		if m.made {
			report.Moves++
		}
	}
	return report, nil
}

func newWorld(o Options, dir string, out io.Writer) *world {
	w := &world{
		options: o, ctx: context.Background(), log: slog.New(slog.DiscardHandler), out: out, hash: fnv.New64a(), dir: dir,
		fibers: map[*fiber]struct{}{}, faulty: true,
		work: rand.New(rand.NewPCG(o.Seed, 1)), net: rand.New(rand.NewPCG(o.Seed, 2)), //nolint:gosec // G404: the same every time
		redis: &service{name: "redis", timeout: 50 * time.Millisecond}, postgres: &service{name: "postgres", timeout: 2 * time.Second},
		shadow: newShadow(), excess: map[string]alfred.Credits{}, lowered: map[lowering]lowered{}, unlowered: map[lowering]alfred.Credits{},
		spooled: map[spoolEntry]alfred.HoldID{}, ceilings: map[alfred.UserID][]ceiling{}, highest: map[alfred.UserID]alfred.Credits{},
		unread: map[*host]time.Time{}, orphans: map[alfred.HoldID]bool{},
		asides: map[alfred.HoldID]*aside{}, spentFrom: map[alfred.HoldID]alfred.HoldID{}, booked: map[alfred.HoldID]bool{},
	}
	w.store = memory.New(func() time.Time { return w.now })
	if e, err := w.store.BeginEpoch(context.Background(), orgID); err == nil { // a store in memory never fails
		_, _ = w.store.FinishEpoch(context.Background(), orgID, e, 1, time.Time{})
	}
	// Every seed has its own mixture of faults and its own weather.
	mine := Fault(w.work.Uint64()) | Fault(w.work.Uint64()) //nolint:staticcheck // SA4000: each draws another
	w.options.Faults &= mine
	weather := []float64{0.2, 1, 1, 3}[w.work.IntN(4)]
	w.rate = rates{drop: .02 * weather, reply: .03 * weather, twice: .04 * weather, delay: .03 * weather, crash: .002 * weather, late: 20 * time.Second}
	if o.rates != nil {
		w.rate, w.options.Faults = *o.rates, o.Faults
	}
	// Some begin shortly before a window ends, some of them on a day of 23 or of 25 hours.
	w.now = []time.Time{
		time.Date(2026, 3, 28, 22, 58, 30, 0, time.UTC), time.Date(2026, 3, 29, 21, 59, 0, 0, time.UTC),
		time.Date(2026, 10, 25, 22, 58, 30, 0, time.UTC), time.Date(2026, 6, 10, 12, 0, 0, 0, time.UTC),
	}[w.work.IntN(4)]
	w.began = w.now
	w.furnish()
	return w
}

// say adds a line to the trace.
func (w *world) say(format string, args ...any) {
	fmt.Fprintf(w.hash, "%d ", w.now.UnixNano())
	fmt.Fprintf(w.hash, format, args...)
	if w.out != nil {
		fmt.Fprintf(w.out, "%s %s\n", w.now.Format("15:04:05.000000"), fmt.Sprintf(format, args...))
	}
}

// open starts every process.
func (w *world) open() error {
	for i := range 3 {
		p := &plane{world: w, host: &host{name: fmt.Sprintf("extproc-%d", i)}}
		p.disk = &disk{world: w, host: p.host, dir: filepath.Join(w.dir, p.host.name)}
		if w.options.Faults&FaultSkew != 0 {
			p.skew = time.Duration(w.work.Int64N(int64(180*time.Second))) - 90*time.Second
		}
		if err := p.disk.name(p.host.name); err != nil {
			return err
		}
		w.planes = append(w.planes, p)
		if err := p.start(); err != nil {
			return err
		}
	}
	for _, name := range []string{"recorder-0", "recorder-1", "publisher", "admin-0", "admin-1"} {
		h := &host{name: name}
		w.hosts = append(w.hosts, h)
		if strings.HasPrefix(name, "admin") {
			w.admins = append(w.admins, h)
		}
		w.startControl(h)
	}
	return nil
}

// close ends what a history leaves behind.
func (w *world) close() {
	w.end()
	for _, p := range w.planes {
		if p.spool != nil {
			p.disk.off = true
			_ = p.spool.Close() // the disk is simulated
		}
	}
}

// play begins one step after the other until all have begun.
func (w *world) play() {
	for w.stepped = 0; w.stepped < w.options.Steps; w.stepped++ {
		at := w.now.Add(time.Duration(w.work.ExpFloat64() * float64(1500*time.Millisecond)))
		arrived := false
		w.after(at.Sub(w.now), func() { arrived = true })
		for !arrived && w.turn() {
		}
		if w.failure != nil {
			return
		}
		w.act()
		if w.options.sabotage != nil {
			w.options.sabotage(w)
		}
	}
}

// announce tells every data plane of a publication.
func (w *world) announce(c extproc.Change) {
	for _, p := range w.planes {
		if p.host.dead || p.host.cut || w.chance(FaultWatch, 0.3) {
			continue
		}
		life := p.host.life
		w.after(w.latency(), func() {
			if p.host.life == life && !p.host.dead {
				p.steps.Changed(c)
			}
		})
	}
}

func changeOf(hash string, p *alfred.Principal) extproc.Change {
	return extproc.Change{Org: p.Org, Version: p.Version, KeyHash: hash}
}
