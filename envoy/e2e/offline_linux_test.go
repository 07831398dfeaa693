package e2e

import (
	"bytes"
	"net"
	"os"
	"os/exec"
	"strings"
	"syscall"
	"testing"
	"time"
	"unsafe"

	"github.com/alfred-envoy/alfred/envoy/envoytest"
)

const offline = "ALFRED_TEST_OFFLINE" // set in the run that has no network

// Peers test 14: nothing of Alfred needs a network outside. The story runs once more in a network namespace of its own, in which
// there is loopback and nothing else: every part starts, and the first admin calls a model, sees the quota and the record.
func TestPeers14_StartsWithNoOutsideNetwork(t *testing.T) {
	if os.Getenv(offline) != "" {
		raiseLoopback(t)
		if conn, err := net.DialTimeout("tcp", "192.0.2.1:443", 5*time.Second); err == nil {
			_ = conn.Close()
			t.Fatal("there is a network outside, so this shows nothing")
		}
		if found, err := net.DefaultResolver.LookupHost(t.Context(), "example.com"); err == nil {
			t.Fatalf("names are resolved (%v), so this shows nothing", found)
		}
		TestTheFirstAdminCallsAModelAndSeesTheQuota(t)
		return
	}
	envoytest.Binary(t) // fetched out here, if it has to be
	if err := shared.programs(); err != nil {
		t.Fatal(err)
	}
	self, err := os.Executable()
	if err != nil {
		t.Fatal(err)
	}
	again := exec.CommandContext(t.Context(), self, "-test.run", "^"+t.Name()+"$", "-test.v", "-test.timeout", "5m")
	again.Env = append(os.Environ(), offline+"=1", "GOPROXY=off")
	again.SysProcAttr = &syscall.SysProcAttr{Cloneflags: syscall.CLONE_NEWNET}
	if os.Geteuid() != 0 {
		envoytest.Missing(t, "right to make a network namespace", syscall.EPERM)
	}
	var out bytes.Buffer
	again.Stdout, again.Stderr = &out, &out
	if err := again.Start(); err != nil {
		envoytest.Missing(t, "network namespace", err)
	}
	err = again.Wait()
	text := out.String()
	if strings.Contains(text, "--- SKIP") {
		t.Skip(text)
	}
	if err != nil || !strings.Contains(text, "--- PASS: "+t.Name()) {
		t.Errorf("without a network: %v\n%s", err, text)
	}
}

// raiseLoopback brings up the only interface that a new namespace has.
func raiseLoopback(t *testing.T) {
	t.Helper()
	fd, err := syscall.Socket(syscall.AF_INET, syscall.SOCK_DGRAM, 0)
	if err != nil {
		t.Fatal(err)
	}
	defer func() { _ = syscall.Close(fd) }()
	var request struct { // struct ifreq
		name  [syscall.IFNAMSIZ]byte
		flags uint16
		_     [22]byte
	}
	copy(request.name[:], "lo")
	request.flags = syscall.IFF_UP | syscall.IFF_RUNNING
	if _, _, errno := syscall.Syscall(syscall.SYS_IOCTL, uintptr(fd), syscall.SIOCSIFFLAGS, uintptr(unsafe.Pointer(&request))); errno != 0 {
		t.Fatal(errno)
	}
	res, err := net.Interfaces()
	if err != nil || len(res) != 1 {
		t.Fatalf("interfaces %v, %v: want loopback alone", res, err)
	}
}
