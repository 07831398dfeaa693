// Package spool keeps what a process owes the ledger on its own disk: every
// settlement is written and synced here before it is sent, and forgotten when
// the permanent record is known to have it.
//
// A spool is a folder of segments, files to which records are appended:
//
//	magic "ALS\x01" | length | CRC-32C of what follows | sequence | JSON
//
// The last byte of the magic is the version of the encoding, and never stands
// in JSON, so that a reader finds the next record after a damaged one. Beside a
// segment lies a list of its entries that are confirmed. A segment whose
// entries are all confirmed is deleted, except the newest, whose name carries
// the sequence on. A sequence is never given twice under one instance.
//
// What a failure leaves: a record at the end that is not whole was never
// acknowledged and is cut off. Damage anywhere else is told with file and
// offset; the file stays beside the others under another name, and what can be
// read of it is kept. A write that fails leaves the entry out and refuses new
// work until one succeeds.
package spool
