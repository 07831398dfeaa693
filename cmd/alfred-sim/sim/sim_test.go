package sim

import "testing"

func BenchmarkHistory(b *testing.B) {
	for i := range b.N {
		if _, err := Run(Defaults(uint64(i)+1), Memory(), nil); err != nil {
			b.Fatal(err)
		}
	}
}
