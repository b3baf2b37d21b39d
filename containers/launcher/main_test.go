package main

import (
	"bytes"
	"encoding/json"
	"errors"
	"os"
	"os/exec"
	"path/filepath"
	"runtime"
	"slices"
	"strings"
	"syscall"
	"testing"
	"time"
)

const nobody = 65534

// launcher is the program itself: the tests run real processes.
var launcher string

func TestMain(main *testing.M) {
	directory, err := os.MkdirTemp("", "launcher")
	if err != nil {
		panic(err)
	}
	launcher = filepath.Join(directory, "launcher")
	os.Chmod(directory, 0o755) // some tests are another user
	if err := buildLauncher(launcher, runtime.GOARCH); err != nil {
		panic(err)
	}
	code := main.Run()
	os.RemoveAll(directory)
	os.Exit(code)
}

// buildLauncher builds as containers/build does.
func buildLauncher(path, architecture string) error {
	build := exec.Command("go", "build", "-ldflags", "-E launcher_entry", "-o", path, ".")
	build.Env = append(os.Environ(), "CGO_ENABLED=0", "GOARCH="+architecture)
	build.Stderr = os.Stderr
	return build.Run()
}

// bench is one script container, below a root of its own.
type bench struct {
	*testing.T
	layout      layout
	kernel      *syscall.SysProcAttr
	environment []string
	program     []string // empty: the launcher
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

// asFirst makes the launcher process 1 of a PID namespace, as it is in its container.
func (bench *bench) asFirst() {
	bench.kernel = &syscall.SysProcAttr{Cloneflags: syscall.CLONE_NEWPID}
	if uid := os.Getuid(); uid != 0 {
		one := func(id int) []syscall.SysProcIDMap {
			return []syscall.SysProcIDMap{{ContainerID: id, HostID: id, Size: 1}}
		}
		bench.kernel.Cloneflags |= syscall.CLONE_NEWUSER
		bench.kernel.UidMappings, bench.kernel.GidMappings = one(uid), one(os.Getgid())
	}
}

// as makes the launcher a user that may nothing, as it is in its container.
func (bench *bench) as(user int) {
	if os.Getuid() != 0 {
		return
	}
	if bench.kernel == nil {
		bench.kernel = &syscall.SysProcAttr{}
	}
	bench.kernel.Credential = &syscall.Credential{Uid: uint32(user), Gid: uint32(user)}
	must(bench.T, os.Chmod(filepath.Dir(bench.layout.root), 0o755))
	must(bench.T, filepath.WalkDir(bench.layout.root, func(path string, _ os.DirEntry, err error) error {
		return errors.Join(err, os.Lchown(path, user, user))
	}))
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
	running := bench.prepare(args...)
	running.begin()
	return running
}

func (bench bench) prepare(args ...string) *running {
	running := &running{bench: bench}
	program := bench.program
	if len(program) == 0 {
		program = []string{launcher}
	}
	words := slices.Concat(program, []string{"run", "--root=" + bench.layout.root}, args)
	running.process = exec.Command(words[0], words[1:]...)
	running.process.Env = append(os.Environ(), bench.environment...)
	running.process.Stdout, running.process.Stderr = &running.stdout, &running.stderr
	running.process.SysProcAttr = bench.kernel
	running.process.WaitDelay = 10 * time.Second
	return running
}

func (running *running) begin() {
	running.Helper()
	must(running.T, running.process.Start())
	running.Cleanup(func() { running.process.Process.Kill() })
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
	text, err := readPage(bench.layout.record)
	must(bench.T, err)
	var read record
	must(bench.T, json.Unmarshal(text, &read))
	return read
}

// ownWords are what the kubelet reads.
func (bench bench) ownWords() string {
	bench.Helper()
	text, err := os.ReadFile(bench.layout.terminationLog)
	must(bench.T, err)
	return string(text)
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
