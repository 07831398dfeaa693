package alfred

// Release is what one person on vacation has given to a team's pool in one
// window.
type Release struct {
	User   UserID  `json:"user_id"`
	Team   TeamID  `json:"team_id"`
	Amount Credits `json:"amount"`
	Window Window  `json:"window"`
	Move   MoveID  `json:"move_id"`
}

// ReleaseAmount is what a person who goes away gives to the pool: what is
// available, but no more than the organisation's percentage of the pool's
// base, for all who are away together. released is what the others have
// given already in this window.
func ReleaseAmount(available, commonPool Credits, percent int, released Credits) Credits {
	room := (commonPool.Floor0().Percent(percent) - released).Floor0()
	return min(available.Floor0(), room)
}

// ReturnAmount is what a person who comes back gets: what was released, as
// far as the pool has not spent it. Nobody is clawed back.
func ReturnAmount(released, unspentInPool Credits) Credits {
	return min(released, unspentInPool.Floor0())
}
