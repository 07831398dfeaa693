package sim

import (
	"errors"
	"os"
	"path/filepath"
	"syscall"

	"github.com/alfred-envoy/alfred/extproc/spool"
)

// disk is where one data plane keeps its spool: files of a folder in memory or
// on a real disk, of which a crash keeps what was synced, and of the rest any
// part.
type disk struct {
	world *world
	host  *host
	dir   string
	full  bool
	off   bool // the machine has stopped
	files []*diskFile
}

var errStopped = errors.New("the machine has stopped")

// diskFile knows how much of it is safe.
type diskFile struct {
	*os.File
	disk            *disk
	written, synced int64
}

func (d *disk) create(path string) (spool.File, error) {
	if d.off {
		return nil, errStopped
	}
	if d.full {
		return nil, syscall.ENOSPC
	}
	f, err := os.OpenFile(path, os.O_CREATE|os.O_EXCL|os.O_RDWR, 0o600)
	if err != nil {
		return nil, err
	}
	file := &diskFile{File: f, disk: d}
	d.files = append(d.files, file)
	return file, nil
}

// Write may be the last that the machine does.
func (f *diskFile) Write(b []byte) (int, error) {
	d := f.disk
	switch {
	case d.off:
		return 0, errStopped
	case d.full:
		n, _ := f.File.Write(b[:d.world.net.IntN(len(b)+1)])
		f.written += int64(n)
		return n, syscall.ENOSPC
	}
	n, err := f.File.Write(b)
	f.written += int64(n)
	if err == nil && d.world.chance(FaultDisk, d.world.rate.crash) {
		d.stop()
		return n, errStopped
	}
	return n, err
}

// Sync makes what was written safe. The simulated machine has no other.
func (f *diskFile) Sync() error {
	if f.disk.off {
		return errStopped
	}
	f.synced = f.written
	return nil
}

func (f *diskFile) Truncate(size int64) error {
	if f.disk.off {
		return errStopped
	}
	f.written, f.synced = size, min(size, f.synced)
	if err := f.File.Truncate(size); err != nil {
		return err
	}
	_, err := f.Seek(size, 0)
	return err
}

// stop is the machine's power failing in the middle of a write: the host dies
// at its next step.
func (d *disk) stop() {
	life := d.host.life
	d.off = true
	d.world.after(0, func() { d.world.kill(d.host, life) })
}

// crash leaves of every file what was synced and a part of the rest, the last
// bytes of which may be rubbish.
func (d *disk) crash() {
	for _, f := range d.files {
		if f.written > f.synced {
			left := f.synced + d.world.net.Int64N(f.written-f.synced+1)
			path := f.Name()
			if os.Truncate(path, left) == nil && left > f.synced && d.world.net.IntN(2) == 0 {
				if raw, err := os.OpenFile(path, os.O_RDWR, 0); err == nil {
					_, _ = raw.WriteAt([]byte{0xff}, left-1)
					_ = raw.Close()
				}
			}
		}
	}
	d.files, d.off, d.full = nil, false, false
}

// name gives the spool an identity that does not change from run to run.
func (d *disk) name(instance string) error {
	slot := filepath.Join(d.dir, "0")
	if err := os.MkdirAll(slot, 0o700); err != nil {
		return err
	}
	return os.WriteFile(filepath.Join(slot, "instance"), []byte(instance+"\n"), 0o600)
}
