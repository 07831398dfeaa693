package spool

import (
	"bytes"
	"encoding/binary"
	"encoding/json"
	"fmt"
	"hash/crc32"

	"github.com/alfred-envoy/alfred"
)

// Seq numbers the entries of one instance.
type Seq int64

// Entry is one hold that is to be ended.
type Entry struct {
	Seq        Seq               `json:"-"`
	Void       bool              `json:"void,omitempty"`
	Settlement alfred.Settlement `json:"settlement"`
}

const (
	magic     = "ALS\x01"
	header    = 4 + 4 + 4 + 8
	maxRecord = 4 << 20 // no settlement comes near it
)

var castagnoli = crc32.MakeTable(crc32.Castagnoli)

// encode appends the record of a payload. One without a payload says nothing:
// it tries the disk.
func encode(to []byte, seq Seq, payload []byte) []byte {
	at := len(to)
	to = append(to, magic...)
	to = binary.LittleEndian.AppendUint32(to, uint32(len(payload)))
	to = append(to, 0, 0, 0, 0)
	to = binary.LittleEndian.AppendUint64(to, uint64(seq))
	to = append(to, payload...)
	binary.LittleEndian.PutUint32(to[at+8:], sum(to[at:]))
	return to
}

// sum covers the length, the sequence and the payload.
func sum(record []byte) uint32 {
	return crc32.Update(crc32.Checksum(record[4:8], castagnoli), castagnoli, record[12:])
}

// damage is what is wrong with a segment, and where.
type damage struct {
	offset int
	torn   bool // nothing that can be read follows
	why    string
}

// scan calls found for every whole record of a segment and returns what is
// wrong with the rest. Found entries are exactly those that were written.
func scan(b []byte, found func(Entry) bool) (bad []damage) {
	for at := 0; at < len(b); {
		e, size, why := decode(b[at:])
		if why == "" {
			if size > header && !found(e) {
				return bad
			}
			at += size
			continue
		}
		next := bytes.Index(b[at+1:], []byte(magic))
		for next >= 0 {
			if _, _, w := decode(b[at+1+next:]); w == "" {
				break
			}
			more := bytes.Index(b[at+2+next:], []byte(magic))
			if more < 0 {
				next = -1
				break
			}
			next += 1 + more
		}
		bad = append(bad, damage{offset: at, torn: next < 0, why: why})
		if next < 0 {
			return bad
		}
		at += 1 + next
	}
	return bad
}

// decode reads the record at the start of b.
func decode(b []byte) (e Entry, size int, why string) {
	if len(b) < header {
		return e, 0, "the record's head is not whole"
	}
	if string(b[:4]) != magic {
		return e, 0, "no record begins here"
	}
	n := int64(binary.LittleEndian.Uint32(b[4:]))
	if n > maxRecord || header+n > int64(len(b)) {
		return e, 0, fmt.Sprintf("a record of %d bytes is not whole", n)
	}
	size = header + int(n)
	if sum(b[:size]) != binary.LittleEndian.Uint32(b[8:]) {
		return e, 0, "the record's checksum is wrong"
	}
	if n > 0 {
		if err := json.Unmarshal(b[header:size], &e); err != nil {
			return Entry{}, 0, "the record cannot be read: " + err.Error()
		}
	}
	e.Seq = Seq(binary.LittleEndian.Uint64(b[12:]))
	return e, size, ""
}
