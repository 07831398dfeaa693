package alfred

// FailMode says what happens to a request while the live counters cannot be
// reached. On a limit, the empty mode follows the organisation's.
type FailMode string

const (
	FailDeny  FailMode = "deny"  // refuse
	FailLocal FailMode = "local" // spend what the process has set aside for this, then refuse
	FailAllow FailMode = "allow" // admit without a hold, and charge in full afterwards
)

// Valid says whether m is a mode that can be chosen.
func (m FailMode) Valid() bool { return m == FailDeny || m == FailLocal || m == FailAllow }

// strictness orders the modes. None at all is the least; one that this
// version does not know is taken for the strictest.
func (m FailMode) strictness() int {
	switch m {
	case "":
		return 0
	case FailAllow:
		return 1
	case FailLocal:
		return 2
	default:
		return 3
	}
}

// Stricter says whether m lets less pass than o.
func (m FailMode) Stricter(o FailMode) bool { return m.strictness() > o.strictness() }

// strictest is the mode of a request that meets several limits: each binds, so
// the one that lets the least pass decides.
func strictest(a, b FailMode) FailMode {
	if b.Stricter(a) {
		return b
	}
	return a
}
