package parts_test

import (
	"bufio"
	"fmt"
	"os"
	"os/exec"
	"runtime"
	"strconv"
	"strings"
	"syscall"
	"testing"
	"time"

	"github.com/alfred-envoy/alfred/cmd/alfred/parts"
)

// TestMain lets this test binary be a parent that has a child and waits for ever.
func TestMain(m *testing.M) {
	if os.Getenv("ALFRED_STAND_IN") != "parent" {
		os.Exit(m.Run())
	}
	p, err := parts.Start(parts.Command{Name: "child", Path: "/bin/sleep", Args: []string{"600"}})
	if err != nil {
		_, _ = fmt.Fprintln(os.Stderr, err)
		os.Exit(1)
	}
	_, _ = fmt.Fprintln(os.Stdout, p.PID())
	<-p.Done()
}

func TestAKilledParentLeavesNothingRunning(t *testing.T) {
	if runtime.GOOS != "linux" {
		t.Skip("only Linux ends a child with its parent")
	}
	test, err := os.Executable()
	if err != nil {
		t.Fatal(err)
	}
	parent := exec.Command(test)
	parent.Env = append(os.Environ(), "ALFRED_STAND_IN=parent")
	out, err := parent.StdoutPipe()
	if err != nil {
		t.Fatal(err)
	}
	if err := parent.Start(); err != nil {
		t.Fatal(err)
	}
	line, err := bufio.NewReader(out).ReadString('\n')
	if err != nil {
		t.Fatal(err)
	}
	child, err := strconv.Atoi(strings.TrimSpace(line))
	if err != nil {
		t.Fatal(err)
	}
	if err := parent.Process.Kill(); err != nil {
		t.Fatal(err)
	}
	_ = parent.Wait()
	deadline := time.After(30 * time.Second)
	tick := time.NewTicker(10 * time.Millisecond)
	defer tick.Stop()
	for running(child) {
		select {
		case <-deadline:
			_ = syscall.Kill(child, syscall.SIGKILL)
			t.Fatalf("process %d outlived its parent", child)
		case <-tick.C:
		}
	}
}

// running reports whether a process exists and has not ended; one that nobody has waited for yet has ended.
func running(pid int) bool {
	stat, err := os.ReadFile(fmt.Sprintf("/proc/%d/stat", pid))
	if err != nil {
		return false
	}
	_, rest, _ := strings.Cut(string(stat), ") ")
	return !strings.HasPrefix(rest, "Z")
}
