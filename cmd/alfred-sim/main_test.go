package main

import (
	"bytes"
	"strings"
	"testing"
)

func TestRun(t *testing.T) {
	for _, c := range []struct {
		args  string
		wants string // "" is an error
	}{
		{"-seed 3", "1 seeds, 0 failed"},
		{"-seeds 4..6 -steps 20 -people 2", "3 seeds, 0 failed"},
		{"-seeds 2 -faults drops,replies", "2 seeds, 0 failed"},
		{"-seed 3 -steps 2 -v", "reserve hold_"},
		{"-seeds 6..4", ""},
		{"-seeds many", ""},
		{"-faults rain", ""},
		{"-steps 0", ""},
		{"now", ""},
	} {
		var out bytes.Buffer
		err := run(strings.Fields(c.args), &out)
		if (err != nil) != (c.wants == "") || !strings.Contains(out.String(), c.wants) {
			t.Errorf("%s: %v, printed %s", c.args, err, out.String())
		}
	}
}
