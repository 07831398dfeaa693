package admin

import (
	"math"
	"time"

	"github.com/oapi-codegen/nullable"

	"github.com/alfred-envoy/alfred"
	"github.com/alfred-envoy/alfred/admin/api"
)

// paceDays is how many whole days it takes to speak of a pace.
const paceDays = 3

// eighty is how many standard deviations hold 80 % of a normal distribution.
const eighty = 1.2816

// pace says how long a limit lasts when the days to come are like those that
// were. days are what was used on each whole day of the window so far; the
// range grows with the spread of the days and with the root of the time.
func pace(now time.Time, window alfred.Window, days []alfred.Credits, used, limit alfred.Credits) api.Pace {
	none := nullable.NewNullNullable[time.Time]()
	out := api.Pace{
		PerDay: nullable.NewNullNullable[alfred.Credits](), AtEnd: nullable.NewNullNullable[alfred.Credits](),
		ExhaustedAt: none, Earliest: none, Latest: none, NeedsDays: max(0, paceDays-len(days)),
	}
	if out.NeedsDays > 0 || !window.Contains(now) {
		return out
	}
	mean, deviation := spread(days)
	out.PerDay = nullable.NewNullableWithValue(credits(mean))
	left := window.End.Sub(now).Hours() / 24
	out.AtEnd = nullable.NewNullableWithValue(credits(float64(used) + mean*left))
	room := float64((limit - used).Floor0())
	at := func(days float64) nullable.Nullable[time.Time] {
		if days >= left {
			return none
		}
		return nullable.NewNullableWithValue(now.Add(time.Duration(days * 24 * float64(time.Hour))).UTC().Truncate(time.Minute))
	}
	out.ExhaustedAt = at(lasts(room, mean, 0))
	out.Earliest, out.Latest = at(lasts(room, mean, eighty*deviation)), at(lasts(room, mean, -eighty*deviation))
	return out
}

// spread is the mean of some days and their standard deviation.
func spread(days []alfred.Credits) (mean, deviation float64) {
	for _, d := range days {
		mean += float64(d)
	}
	mean /= float64(len(days))
	for _, d := range days {
		deviation += (float64(d) - mean) * (float64(d) - mean)
	}
	return mean, math.Sqrt(deviation / float64(len(days)-1))
}

// lasts solves mean·t + extra·√t = room for t in days; a pace of nothing
// lasts for ever.
func lasts(room, mean, extra float64) float64 {
	if mean <= 0 {
		return math.Inf(1)
	}
	root := (-extra + math.Sqrt(extra*extra+4*mean*room)) / (2 * mean)
	return root * root
}

// credits turns a computed amount into one that can be shown.
func credits(f float64) alfred.Credits {
	return alfred.Credits(math.Round(min(max(f, 0), float64(alfred.MaxCredits))))
}
