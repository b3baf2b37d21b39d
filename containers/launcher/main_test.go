package main

import (
	"bytes"
	"encoding/json"
	"os"
	"os/exec"
	"path/filepath"
	"strings"
	"syscall"
	"testing"
	"time"
)

// The test binary is the launcher when it is asked to be: the tests run real processes.
func TestMain(main *testing.M) {
	if os.Getenv("LAUNCHER_TEST_RUN") != "" {
		os.Exit(command(os.Args[1:], listen()))
	}
	os.Exit(main.Run())
}

// bench is one script container, below a root of its own.
type bench struct {
	*testing.T
	layout layout
	kernel *syscall.SysProcAttr
}

func newBench(test *testing.T) bench {
	test.Helper()
	layout := newLayout(test.TempDir())
	for _, directory := range []string{filepath.Dir(layout.lock), layout.signalDir, filepath.Dir(layout.message), filepath.Dir(layout.terminationLog)} {
		must(test, os.MkdirAll(directory, 0o755))
	}
	must(test, os.WriteFile(layout.lock, nil, 0o644))
	must(test, os.WriteFile(layout.terminationLog, nil, 0o666))
	return bench{T: test, layout: layout}
}

func must(test *testing.T, err error) {
	test.Helper()
	if err != nil {
		test.Fatal(err)
	}
}

// running is a launcher that was started.
type running struct {
	bench
	process        *exec.Cmd
	stdout, stderr bytes.Buffer
}

func (bench bench) start(args ...string) *running {
	bench.Helper()
	running := &running{bench: bench}
	self, err := os.Executable()
	must(bench.T, err)
	running.process = exec.Command(self, append([]string{"run"}, args...)...)
	running.process.Env = append(os.Environ(), "LAUNCHER_TEST_RUN=1", "PROCESSING_ROOT="+bench.layout.root)
	running.process.Stdout, running.process.Stderr = &running.stdout, &running.stderr
	running.process.SysProcAttr = bench.kernel
	running.process.WaitDelay = 10 * time.Second
	must(bench.T, running.process.Start())
	bench.Cleanup(func() { running.process.Process.Kill() })
	return running
}

// shell runs a script text by sh, with the options before it.
func (bench bench) shell(script string, options ...string) *running {
	bench.Helper()
	return bench.start(append(options, "--", "/bin/sh", "-c", script)...)
}

// wait gives the exit code, -1 for a signal.
func (running *running) wait() int {
	running.Helper()
	timer := time.AfterFunc(20*time.Second, func() { running.process.Process.Kill() })
	defer timer.Stop()
	running.process.Wait()
	return running.process.ProcessState.ExitCode()
}

// until waits for a condition.
func (bench bench) until(what string, condition func() bool) {
	bench.Helper()
	for deadline := time.Now().Add(10 * time.Second); time.Now().Before(deadline); time.Sleep(5 * time.Millisecond) {
		if condition() {
			return
		}
	}
	bench.Fatalf("not in 10 s: %s", what)
}

func (bench bench) untilFile(path string) {
	bench.Helper()
	bench.until(path+" exists", func() bool { return exists(path) })
}

func (bench bench) record() record {
	bench.Helper()
	text, err := readRecord(bench.layout.record)
	must(bench.T, err)
	var read record
	must(bench.T, json.Unmarshal(text, &read))
	return read
}

// setSignal writes the signal as the kubelet does: a new directory, and one rename of ..data.
func (bench bench) setSignal(value string) {
	bench.Helper()
	fresh, err := os.MkdirTemp(bench.layout.signalDir, "..2026")
	must(bench.T, err)
	must(bench.T, os.WriteFile(filepath.Join(fresh, "signal"), []byte(value), 0o644))
	temporary := filepath.Join(bench.layout.signalDir, "..data_tmp")
	must(bench.T, os.Symlink(filepath.Base(fresh), temporary))
	must(bench.T, os.Rename(temporary, filepath.Join(bench.layout.signalDir, "..data")))
	link := filepath.Join(bench.layout.signalDir, "signal")
	if !exists(link) {
		must(bench.T, os.Symlink("..data/signal", link))
	}
}

// lockFree says whether the uploader would get the lock, on a read-only descriptor as it has.
func (bench bench) lockFree() bool {
	file, err := os.Open(bench.layout.lock)
	must(bench.T, err)
	defer file.Close()
	return syscall.Flock(int(file.Fd()), syscall.LOCK_SH|syscall.LOCK_NB) == nil
}

func exists(path string) bool {
	_, err := os.Lstat(path)
	return err == nil
}

func contains(test *testing.T, text, part string) {
	test.Helper()
	if !strings.Contains(text, part) {
		test.Errorf("%q is not in %q", part, text)
	}
}
