package redis

import (
	_ "embed" // the scripts
	"strconv"
	"time"

	"github.com/redis/go-redis/v9"

	"github.com/alfred-envoy/alfred"
	"github.com/alfred-envoy/alfred/store"
)

//go:embed reserve.lua
var reserveSource string

//go:embed move.lua
var moveSource string

//go:embed extend.lua
var extendSource string

//go:embed outflow.lua
var outflowSource string

//go:embed publish.lua
var publishSource string

//go:embed epoch.lua
var epochSource string

//go:embed survey.lua
var surveySource string

//go:embed correct.lua
var correctSource string

// scripts run by their digest, and are sent whole when the server does not
// know them: after a start, a restart, a failover.
type scripts struct {
	reserve, move, extend, outflow, publish *redis.Script
	epoch, survey, correct                  *redis.Script
}

func loadScripts() scripts {
	return scripts{
		reserve: redis.NewScript(reserveSource),
		move:    redis.NewScript(moveSource),
		extend:  redis.NewScript(extendSource),
		outflow: redis.NewScript(outflowSource),
		publish: redis.NewScript(publishSource),
		epoch:   redis.NewScript(epochSource),
		survey:  redis.NewScript(surveySource),
		correct: redis.NewScript(correctSource),
	}
}

// keys names the keys of one organisation.
type keys struct{ prefix string }

func keysOf(org alfred.OrgID) keys { return keys{"a:{" + store.Escape(string(org)) + "}:"} }

func (k keys) committed(c alfred.Counter) string { return k.prefix + "c:" + store.Name(c) }
func (k keys) settled(c alfred.Counter) string   { return k.prefix + "s:" + store.Name(c) }
func (k keys) outflow(c alfred.Counter) string   { return k.prefix + "o:" + store.Name(c) }
func (k keys) bucket(b alfred.Bucket) string     { return k.prefix + "t:" + store.BucketName(b) }
func (k keys) hold(id alfred.HoldID) string      { return k.prefix + "r:" + string(id) }
func (k keys) epoch() string                     { return k.prefix + "epoch" }
func (k keys) open() string                      { return k.prefix + "rx" }
func (k keys) events() string                    { return k.prefix + "ev" }
func (k keys) move(id alfred.MoveID) string      { return k.prefix + "m:" + string(id) }
func (k keys) catalog() string                   { return k.prefix + "dir:catalog" }
func principalKey(hash string) string            { return "a:dir:key:" + hash }

const (
	orgsKey        = "a:dir:orgs"
	changedChannel = "a:dir:changed"
)

// purge is when a counter is deleted, in ms.
func purge(w alfred.Window) string {
	return strconv.FormatInt(w.End.Add(alfred.PurgeAfter).UnixMilli(), 10)
}

func decimal[T ~int64](n T) string { return strconv.FormatInt(int64(n), 10) }

// number reads an integer that a script returned as text; nil is 0.
func number(v any) (int64, error) {
	switch v := v.(type) {
	case nil:
		return 0, nil
	case int64:
		return v, nil
	case string:
		n, err := strconv.ParseInt(v, 10, 64)
		if err != nil {
			return 0, malformed("%q is not a number", v)
		}
		return n, nil
	default:
		return 0, malformed("%T is not a number", v)
	}
}

// clock reads the server's TIME.
func clock(seconds, micros any) (time.Time, error) {
	s, err := number(seconds)
	if err != nil {
		return time.Time{}, err
	}
	us, err := number(micros)
	return time.Unix(s, us*1000).UTC(), err
}
