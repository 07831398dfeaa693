// Package shapes runs Redis or Valkey in the shapes that an installation may
// have: a primary with a replica that Sentinels watch, and a cluster. It is
// for tests, which kill and move what they like; one machine is no place for
// a shape that should outlive it.
package shapes
