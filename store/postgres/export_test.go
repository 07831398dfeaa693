package postgres

// WalkFrom says from how many people on a list is read in the order of an
// index.
func (s *Store) WalkFrom(people int) { s.many = people }
