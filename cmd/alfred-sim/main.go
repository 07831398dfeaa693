// Command alfred-sim plays histories of the ledger that a seed decides, and
// checks that no credit is lost, charged twice or granted that was not there.
// It is for developers.
//
//	alfred-sim -seed 7            one history; -v prints what happens in it
//	alfred-sim -seeds 1..10000    many; a failing one is made small and printed
//	alfred-sim -mutants all       with every deliberate bug, which has to be caught
package main

import (
	"context"
	"errors"
	"flag"
	"fmt"
	"io"
	"os"
	"strconv"
	"strings"
	"time"

	"github.com/alfred-envoy/alfred/cmd/alfred-sim/sim"
)

func main() {
	if err := run(os.Args[1:], os.Stdout); err != nil {
		if !errors.Is(err, flag.ErrHelp) {
			fmt.Fprintln(os.Stderr, "alfred-sim:", err)
		}
		os.Exit(1)
	}
}

// errFailed means that a promise was broken; which one is printed.
var errFailed = errors.New("a promise was broken")

// settings are the command's flags.
type settings struct {
	options     sim.Options
	first, last uint64
	keepGoing   bool
	verbose     bool
	small       bool
	mutants     string
	dir         string
}

func run(args []string, stdout io.Writer) error {
	s, err := parse(args)
	if err != nil {
		return err
	}
	if s.mutants != "" {
		only := strings.Split(s.mutants, ",")
		if s.mutants == "all" {
			only = nil
		}
		return hunt(context.Background(), only, stdout)
	}
	began, total := time.Now(), sim.Report{}
	failed := 0
	for seed := s.first; seed <= s.last; seed++ {
		o := s.options
		o.Seed = seed
		var trace io.Writer
		if s.verbose {
			trace = stdout
		}
		report, err := sim.Run(o, s.dir, trace)
		if err != nil {
			return fmt.Errorf("seed %d: %w", seed, err)
		}
		total.Add(report)
		if report.Failure == nil {
			continue
		}
		failed++
		small, why := o, report.Failure
		if s.small {
			if small, why, err = sim.Shrink(o, s.dir); err != nil {
				return fmt.Errorf("seed %d: %w", seed, err)
			}
		}
		_, _ = fmt.Fprintf(stdout, "FAIL after %d seeds: %v\nreplay: %s\n", seed-s.first+1, why, small.Replay())
		if !s.keepGoing {
			return errFailed
		}
	}
	_, _ = fmt.Fprintf(stdout, "%d seeds, %d failed: %d requests, %d granted, %d from allowances, %d acknowledged; %d moves; %d deaths, %d failovers, %d left high within the bound; %s simulated in %s\n",
		s.last-s.first+1, failed, total.Requests, total.Granted, total.Local, total.Settled, total.Moves, total.Deaths, total.Failovers, total.High,
		total.Elapsed.Round(time.Second), time.Since(began).Round(time.Millisecond))
	if failed > 0 {
		return errFailed
	}
	return nil
}

func parse(args []string) (s settings, err error) {
	d := sim.Defaults(1)
	flags := flag.NewFlagSet("alfred-sim", flag.ContinueOnError)
	seed := flags.Uint64("seed", 0, "one history")
	seeds := flags.String("seeds", "", "many histories: how many, or first..last")
	steps := flags.Int("steps", d.Steps, "how many requests, faults and changes a history has")
	faults := flags.String("faults", "all", "kinds of faults, separated by commas: all, none, "+sim.Fault(sim.AllFaults).String())
	people := flags.Int("people", d.People, "how many people send requests")
	flags.BoolVar(&s.verbose, "v", false, "print what happens")
	flags.BoolVar(&s.keepGoing, "all", false, "do not stop at the first seed that fails")
	flags.BoolVar(&s.small, "small", true, "make a failing history small before it is printed")
	flags.StringVar(&s.mutants, "mutants", "", "hunt deliberate bugs instead: all, or build tags separated by commas")
	flags.StringVar(&s.dir, "dir", "", "where spools lie meanwhile; best in memory (default /dev/shm, else the folder for temporary files)")
	if err := flags.Parse(args); err != nil {
		return s, err
	}
	s.options = sim.Options{Steps: *steps, People: *people}
	if s.options.Faults, err = sim.ParseFaults(*faults); err != nil {
		return s, err
	}
	switch {
	case flags.NArg() > 0:
		return s, fmt.Errorf("%q: expected flags only", flags.Arg(0))
	case *steps < 1 || *people < 1:
		return s, errors.New("a history needs a step and a person")
	case *seed > 0:
		s.first, s.last = *seed, *seed
	default:
		if s.first, s.last, err = parseSeeds(*seeds); err != nil {
			return s, err
		}
	}
	if s.dir == "" {
		s.dir = sim.Memory()
	}
	return s, nil
}

// parseSeeds reads a count or a range; nothing is 1000.
func parseSeeds(text string) (first, last uint64, err error) {
	if text == "" {
		text = "1000"
	}
	from, to, isRange := strings.Cut(text, "..")
	if !isRange {
		from, to = "1", text
	}
	if first, err = strconv.ParseUint(from, 10, 64); err == nil {
		last, err = strconv.ParseUint(to, 10, 64)
	}
	if err != nil || first > last {
		return 0, 0, fmt.Errorf("seeds %q: expected a count or first..last", text)
	}
	return first, last, nil
}
