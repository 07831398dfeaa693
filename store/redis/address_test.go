package redis_test

import (
	"strings"
	"testing"

	"github.com/alfred-envoy/alfred/store/redis"
)

func TestAddressesOfEveryShape(t *testing.T) {
	for url, want := range map[string]struct {
		shape redis.Shape
		err   string
	}{
		"redis://localhost":                        {shape: redis.Single},
		"redis://a:s3cret@localhost:6379/2":        {shape: redis.Single},
		"rediss://localhost?pool_size=3":           {shape: redis.Single},
		"unix:///run/redis.sock?db=1":              {shape: redis.Single},
		"redis+sentinel://a,b:26380,c/ledger":      {shape: redis.Sentinel},
		"redis+sentinel://u:p%40s3cret@a/m/3":      {shape: redis.Sentinel},
		"rediss+sentinel://a/m?sentinel_user=x":    {shape: redis.Sentinel},
		"redis+cluster://a:7000,b:7001,[::1]:7002": {shape: redis.Cluster},
		"redis+cluster://:s3cret@a/0":              {shape: redis.Cluster},
		"rediss+cluster://config.endpoint":         {shape: redis.Cluster},

		"":                                  {err: "no scheme"},
		"localhost:6379":                    {err: "no scheme"},
		"http://localhost":                  {err: `scheme is "http"`},
		"redis://u:s3cret@a:1,b:2":          {err: "redis+sentinel://"},
		"redis://u:s3cret@host:port":        {err: "not a URL"},
		"redis+sentinel://a:26379":          {err: "does not name"},
		"redis+sentinel://a/m/1/2":          {err: "does not name"},
		"redis+sentinel://a/m/x":            {err: `database is "x"`},
		"redis+sentinel://a/m?master=1":     {err: `option "master"`},
		"redis+cluster://a/1":               {err: "no database"},
		"redis+cluster://a?sentinel_user=x": {err: `option "sentinel_user"`},
		"redis+cluster://a:x":               {err: `"a:x" is not a host`},
		"redis+cluster://":                  {err: "not a host"},
		"redis+cluster://u:s3cret@a,,b":     {err: "not a host"},
		"redis+cluster://u:s3cret%zz@a:1":   {err: "not a URL"},
	} {
		s, err := redis.Open(t.Context(), redis.Options{URL: url})
		if err == nil {
			if s.Shape() != want.shape {
				t.Errorf("%s is %s", url, s.Shape())
			}
			_ = s.Close()
		}
		switch {
		case want.err == "" && err != nil:
			t.Errorf("%s: %v", url, err)
		case want.err != "" && (err == nil || !strings.Contains(err.Error(), want.err) || !strings.Contains(err.Error(), "REDIS_URL")):
			t.Errorf("%s: %v, expected one about %s", url, err, want.err)
		case err != nil && strings.Contains(err.Error(), "s3cret"):
			t.Errorf("the password is shown: %v", err)
		}
	}
}
