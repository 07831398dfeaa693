package parts

import (
	"bufio"
	"bytes"
	"context"
	"errors"
	"fmt"
	"io"
	"os"
	"os/exec"
	"path/filepath"
	"syscall"
	"time"
)

// Command says how to run one server.
type Command struct {
	Name string // as people say it
	Path string
	Args []string
	Env  []string // the whole environment; nil means this process's
	Dir  string
	Log  string         // file for both outputs; the previous one is kept as <Log>.old
	Term syscall.Signal // what asks it to stop; 0 means SIGTERM
	User *User          // run as another uid; nil means this process's
}

// User is a uid and gid to run a server under.
type User struct {
	Name     string
	UID, GID uint32
}

// Process is a running child, with a process group of its own.
type Process struct {
	Name string
	log  string
	term syscall.Signal
	cmd  *exec.Cmd
	done chan struct{}
	err  error // valid once done is closed
}

// Start runs the command. The child gets a process group of its own, so that a Ctrl-C in the terminal reaches only the parent,
// which then stops its children in order.
func Start(c Command) (*Process, error) {
	log, err := openLog(c.Log, c.User)
	if err != nil {
		return nil, fmt.Errorf("start %s: %w", c.Name, err)
	}
	defer func() { _ = log.Close() }()
	if c.Term == 0 {
		c.Term = syscall.SIGTERM
	}
	cmd := exec.Command(c.Path, c.Args...)
	cmd.Dir, cmd.Env = c.Dir, c.Env
	cmd.Stdout, cmd.Stderr = log, log
	cmd.SysProcAttr = childAttributes(c.Term)
	if c.User != nil {
		cmd.SysProcAttr.Credential = &syscall.Credential{Uid: c.User.UID, Gid: c.User.GID}
	}
	if err := cmd.Start(); err != nil {
		return nil, fmt.Errorf("start %s: %w", c.Name, err)
	}
	p := &Process{Name: c.Name, log: c.Log, term: c.Term, cmd: cmd, done: make(chan struct{})}
	go func() {
		p.err = cmd.Wait()
		close(p.done)
	}()
	return p, nil
}

func openLog(path string, owner *User) (*os.File, error) {
	if path == "" {
		return os.OpenFile(os.DevNull, os.O_WRONLY, 0)
	}
	if err := os.MkdirAll(filepath.Dir(path), 0o755); err != nil {
		return nil, err
	}
	if err := os.Rename(path, path+".old"); err != nil && !errors.Is(err, os.ErrNotExist) {
		return nil, err
	}
	f, err := os.OpenFile(path, os.O_CREATE|os.O_WRONLY|os.O_APPEND, 0o600)
	if err == nil && owner != nil {
		err = f.Chown(int(owner.UID), int(owner.GID))
	}
	return f, err
}

// PID is the child's process id, which is its process group's too.
func (p *Process) PID() int { return p.cmd.Process.Pid }

// Done is closed when the child has ended.
func (p *Process) Done() <-chan struct{} { return p.done }

// Failure tells how the child ended, with the last lines of its log. Call it after Done.
func (p *Process) Failure() error {
	<-p.done
	how := "ended by itself"
	if p.err != nil {
		how = p.err.Error()
	}
	if p.log == "" {
		return fmt.Errorf("%s: %s", p.Name, how)
	}
	return fmt.Errorf("%s: %s; the last lines of %s:\n%s", p.Name, how, p.log, tail(p.log, 15))
}

// Stop asks the child to end, waits up to grace, and then kills its process group. It returns when the child is gone.
func (p *Process) Stop(grace time.Duration) {
	_ = p.cmd.Process.Signal(p.term)
	t := time.NewTimer(grace)
	defer t.Stop()
	select {
	case <-p.done:
	case <-t.C:
	}
	p.Kill()
}

// Kill ends the child and whatever it started at once, as a crash would, and waits for it.
func (p *Process) Kill() {
	_ = syscall.Kill(-p.PID(), syscall.SIGKILL)
	<-p.done
}

// Await polls ready until it returns nil. It gives up when the child ends, when ctx does, or after limit, and says which.
func (p *Process) Await(ctx context.Context, limit time.Duration, ready func(context.Context) error) error {
	ctx, cancel := context.WithTimeout(ctx, limit)
	defer cancel()
	tick := time.NewTicker(20 * time.Millisecond)
	defer tick.Stop()
	for {
		attempt, stop := context.WithTimeout(ctx, 2*time.Second)
		err := ready(attempt)
		stop()
		if err == nil {
			return nil
		}
		select {
		case <-p.done:
			return p.Failure()
		case <-ctx.Done():
			text := ""
			if p.log != "" {
				text = fmt.Sprintf("; the last lines of %s:\n%s", p.log, tail(p.log, 15))
			}
			return fmt.Errorf("%s was not ready after %s: %w%s", p.Name, limit, err, text)
		case <-tick.C:
		}
	}
}

// tail returns the last n lines of a file, reading at most its last 64 KiB.
func tail(path string, n int) string {
	f, err := os.Open(path)
	if err != nil {
		return err.Error()
	}
	defer func() { _ = f.Close() }()
	if info, err := f.Stat(); err == nil && info.Size() > 64<<10 {
		_, _ = f.Seek(-(64 << 10), io.SeekEnd)
	}
	var lines [][]byte
	for s := bufio.NewScanner(f); s.Scan(); {
		lines = append(lines, append([]byte("  "), s.Bytes()...))
	}
	return string(bytes.Join(lines[max(0, len(lines)-n):], []byte("\n")))
}
