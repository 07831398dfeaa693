package sim

import "os"

// Shrink looks for the smallest history that still fails: fewer steps, fewer
// kinds of faults, fewer people, and again until nothing more can go.
func Shrink(o Options, dir string) (Options, *Failure, error) {
	report, err := Run(o, dir, nil)
	if err != nil || report.Failure == nil {
		return o, nil, err
	}
	why := report.Failure
	for smaller := true; smaller; {
		smaller = false
		for _, next := range candidates(o, why) {
			report, err := Run(next, dir, nil)
			if err != nil {
				return o, why, err
			}
			if report.Failure != nil {
				o, why, smaller = next, report.Failure, true
				break
			}
		}
	}
	return o, why, nil
}

// candidates are simpler histories, the simplest first. Nothing that begins
// after the step at which it failed can matter.
func candidates(o Options, why *Failure) []Options {
	var out []Options
	seen := map[int]bool{o.Steps: true}
	for _, steps := range []int{o.Steps / 4, o.Steps / 2, o.Steps * 3 / 4, why.Step + 1, o.Steps - 1} {
		if steps > 0 && steps < o.Steps && !seen[steps] {
			seen[steps] = true
			next := o
			next.Steps = steps
			out = append(out, next)
		}
	}
	for f := Fault(1); f < AllFaults; f <<= 1 {
		if o.Faults&f != 0 {
			next := o
			next.Faults &^= f
			out = append(out, next)
		}
	}
	if o.People > 1 {
		next := o
		next.People = o.People - 1
		out = append(out, next)
	}
	return out
}

// Memory is a folder that costs no disk, where there is one.
func Memory() string {
	const shared = "/dev/shm"
	if info, err := os.Stat(shared); err == nil && info.IsDir() {
		return shared
	}
	return os.TempDir()
}

// Add sums reports.
func (r *Report) Add(other Report) {
	r.Requests += other.Requests
	r.Granted += other.Granted
	r.Settled += other.Settled
	r.Deaths += other.Deaths
	r.Failovers += other.Failovers
	r.High += other.High
	r.Local += other.Local
	r.Moves += other.Moves
	r.Elapsed += other.Elapsed
}
