package main

import (
	"bytes"
	"os"
	"strings"
	"testing"
)

// Every deliberate bug stands in the table of the page, with what caught it.
func TestMutantsAreTold(t *testing.T) {
	mutants, err := findMutants("../..")
	if err != nil {
		t.Fatal(err)
	}
	if len(mutants) < 14 {
		t.Errorf("%d mutants were found", len(mutants))
	}
	page, err := os.ReadFile("../../docs/reliability.md")
	if err != nil {
		t.Fatal(err)
	}
	for _, m := range mutants {
		if !bytes.Contains(page, []byte("| `"+m.tag+"`: "+m.what+" | `"+m.dir+"` |")) {
			t.Errorf("docs/reliability.md lacks %s (run `make mutants` and copy its table)", m.tag)
		}
	}
}

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
