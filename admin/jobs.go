package admin

import (
	"context"
	"time"
)

// Jobs do what time brings: they change calendars, end vacations, release and return credits
// with the windows, settle moves whose maker died, book debts, and tell of budgets that run out. Each step
// may run at any time and on several machines at once; what is done already
// it leaves alone.
type Jobs struct {
	Config
	// Settled is how long after a window's start its predecessor's last
	// settlements are waited for. Zero is two minutes.
	Settled time.Duration

	lineage string // of the live store, when its directory was last known to be whole
}

// jobsEvery is how often the jobs look.
const jobsEvery = 30 * time.Second

// Run runs every step until ctx ends.
func (j *Jobs) Run(ctx context.Context) {
	t := time.NewTicker(jobsEvery)
	defer t.Stop()
	for {
		j.Step(ctx)
		select {
		case <-ctx.Done():
			return
		case <-t.C:
		}
	}
}

// Step runs every job once. A job that fails is logged and tried again the
// next time; it does not stop the others.
func (j *Jobs) Step(ctx context.Context) {
	for _, job := range []struct {
		name string
		run  func(context.Context) error
	}{
		{"restore directory", j.RestoreDirectory},
		{"keep calendars", j.KeepCalendars},
		{"settle moves", j.SettleMoves},
		{"keep vacations", j.KeepVacations},
		{"book debts", j.BookDebts},
		{"count what is set aside", j.CountSetAside},
		{"watch budgets", j.WatchBudgets},
		{"forget deliveries", j.ForgetDeliveries},
	} {
		if err := job.run(ctx); err != nil && ctx.Err() == nil {
			j.Log.Error("job", "job", job.name, "err", err)
			j.Metrics.failed(job.name)
		}
	}
}

// RestoreDirectory publishes everything again when the live store has lost
// what was published, as a Redis without its data has, or may have lost the
// last of it, as one that was restarted or replaced by a replica. The first time
// that it runs it publishes everything.
func (j *Jobs) RestoreDirectory(ctx context.Context) error {
	waiting, err := j.Records.Touched(ctx, 1)
	if err != nil || len(waiting) > 0 && j.lineage != "" {
		return err // the publisher is at it
	}
	orgs, err := j.Records.Organizations(ctx)
	if err != nil {
		return err
	}
	lineage, err := j.Live.Lineage(ctx, directoryMark)
	if err != nil {
		return err
	}
	if mutant == "ignores_lost_directory" && j.lineage != "" {
		j.lineage = lineage
	}
	switch j.lineage {
	case lineage:
	case "": // who has just started does not know what was lost before
		return j.republish(ctx, lineage)
	default:
		j.Log.Warn("the live store was restarted or replaced, publishing its directory again")
		return j.republish(ctx, lineage)
	}
	for _, org := range orgs {
		c, err := j.Live.Catalog(ctx, org.ID)
		if err != nil {
			return err
		}
		if c == nil {
			j.Log.Warn("the live store has lost its directory, publishing it again", "org", org.ID)
			return j.republish(ctx, lineage)
		}
	}
	return nil
}

// directoryMark is what the live store knows the publisher by.
const directoryMark = "directory"

// republish publishes everything again. The lineage is that of before: what
// is lost while it runs is noticed the next time.
func (j *Jobs) republish(ctx context.Context, lineage string) error {
	if err := Republish(ctx, j.Records, j.Now()); err != nil {
		return err
	}
	j.lineage = lineage
	return nil
}

func (j *Jobs) server() *server { return &server{Config: j.Config} }
