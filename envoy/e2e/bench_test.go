package e2e

import (
	"bytes"
	"encoding/json"
	"fmt"
	"io"
	"net/http"
	"os"
	"runtime"
	"strconv"
	"strings"
	"sync/atomic"
	"testing"
)

// BenchmarkCompletion sends completions of 2 KB through everything, from 32 callers at once, and reports the CPU that each process
// spent on one. CPU is steadier than latency on a machine that others use too.
func BenchmarkCompletion(b *testing.B) {
	if runtime.GOOS != "linux" {
		b.Skip("processes are measured by /proc")
	}
	s := start(b, "DEBUG=false")
	caller := s.colleague(b, s.owner(b), "busy", 9_000_000_000)
	body, err := json.Marshal(chat("gpt-4", strings.Repeat("Tell me more. ", 140), "max_tokens", 16))
	if err != nil {
		b.Fatal(err)
	}
	c := &http.Client{Transport: &http.Transport{MaxIdleConnsPerHost: 64}}
	call := func() error {
		req, err := http.NewRequest(http.MethodPost, s.URL+"/v1/chat/completions", bytes.NewReader(body))
		if err != nil {
			return err
		}
		req.Header.Set("Authorization", "Bearer "+caller.Key)
		res, err := c.Do(req)
		if err != nil {
			return err
		}
		defer func() { _ = res.Body.Close() }()
		if text, err := io.ReadAll(res.Body); err != nil || res.StatusCode != http.StatusOK {
			return fmt.Errorf("%s: %s, %w", res.Status, text, err)
		}
		return nil
	}
	for range 100 {
		if err := call(); err != nil {
			b.Fatal(err)
		}
	}
	parts := map[string]int{"envoy": s.PID(), "extproc": s.ExtProc.PID(), "redis": s.Redis.PID(), "admin": s.Admin.PID()}
	before := map[string]float64{}
	for name, pid := range parts {
		before[name] = cpu(b, pid)
	}
	var failed atomic.Pointer[error]
	b.SetParallelism(max(1, 32/runtime.GOMAXPROCS(0)))
	b.ResetTimer()
	b.RunParallel(func(pb *testing.PB) {
		for pb.Next() {
			if err := call(); err != nil {
				failed.Store(&err)
				return
			}
		}
	})
	b.StopTimer()
	if err := failed.Load(); err != nil {
		b.Fatal(*err)
	}
	for name, pid := range parts {
		b.ReportMetric((cpu(b, pid)-before[name])*1e6/float64(b.N), name+"-cpu-µs/op")
	}
}

// cpu is how long a process has computed, in seconds.
func cpu(b *testing.B, pid int) float64 {
	b.Helper()
	text, err := os.ReadFile(fmt.Sprintf("/proc/%d/stat", pid))
	if err != nil {
		b.Fatal(err)
	}
	// The name in parentheses may hold anything; what follows has fixed places.
	_, rest, _ := strings.Cut(string(text), ") ")
	fields := strings.Fields(rest)
	var ticks float64
	for _, i := range []int{11, 12} { // user and system
		n, err := strconv.ParseFloat(fields[i], 64)
		if err != nil {
			b.Fatal(err)
		}
		ticks += n
	}
	return ticks / 100
}
