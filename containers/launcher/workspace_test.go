package main

import (
	"fmt"
	"os"
	"path/filepath"
	"testing"
	"time"
)

const mebi = 1 << 20

func TestDiskUsage(test *testing.T) {
	root := test.TempDir()
	empty := diskUsage(root)
	write := func(name string, size int) {
		must(test, os.MkdirAll(filepath.Dir(filepath.Join(root, name)), 0o755))
		must(test, os.WriteFile(filepath.Join(root, name), make([]byte, size), 0o644))
	}
	write("a", 2*mebi)
	write("deep/er/b", mebi)
	must(test, os.Link(filepath.Join(root, "a"), filepath.Join(root, "deep/same")))
	must(test, os.Symlink("/usr", filepath.Join(root, "link")))
	sparse, err := os.Create(filepath.Join(root, "sparse"))
	must(test, err)
	must(test, sparse.Truncate(1<<30))
	sparse.Close()
	if used := diskUsage(root) - empty; used < 3*mebi || used > 3*mebi+100_000 {
		test.Errorf("%d bytes", used)
	}
	if diskUsage(filepath.Join(root, "none")) != 0 {
		test.Error("a directory that is not there has a size")
	}
}

func TestNextPause(test *testing.T) {
	for name, row := range map[string]struct {
		used, growth int64
		cost, want   time.Duration
	}{
		"nothing happens":           {10, 0, time.Millisecond, 5 * time.Second},
		"shrinks":                   {90, -50, time.Millisecond, 5 * time.Second},
		"could fill it":             {60, 20, time.Millisecond, time.Second},
		"grows slowly":              {60, 10, time.Millisecond, 5 * time.Second},
		"costs much":                {10, 0, time.Second, 50 * time.Second},
		"costs much, could fill":    {80, 20, 100 * time.Millisecond, 5 * time.Second},
		"full, until the kill line": {96, 0, time.Millisecond, time.Second},
	} {
		test.Run(name, func(test *testing.T) {
			if got := nextPause(row.used, row.growth, 100, row.cost); got != row.want {
				test.Errorf("%s, want %s", got, row.want)
			}
		})
	}
}

func TestWorkspaceFull(test *testing.T) {
	for name, row := range map[string]struct {
		mebibytes    int // of 20
		code, signal int
		message      string
	}{
		"95 percent": {19, 7, 0, "bytes (95 %): SIGTERM"},
		"full":       {21, 137, 9, "SIGKILL"},
	} {
		test.Run(name, func(test *testing.T) {
			test.Parallel()
			bench := newBench(test)
			trap := "'exit 7'"
			if row.signal != 0 {
				trap = "''" // it stays until SIGKILL, however long that takes
			}
			script := fmt.Sprintf("trap %s TERM; head -c %dM /dev/zero > %s/big; while :; do sleep 0.05; done",
				trap, row.mebibytes, bench.layout.workspace)
			run := bench.shell(script, "--workspace-bytes=20971520")
			if code := run.wait(); code != row.code {
				test.Errorf("exit code %d: %s", code, &run.stderr)
			}
			if record := run.record(); record.Reason != workspaceFull || record.Signal != row.signal {
				test.Errorf("record %+v", record)
			}
			contains(test, run.record().Message, row.message)
		})
	}
}

func TestSmallWorkspaceIsLeftAlone(test *testing.T) {
	run := newBench(test).shell("sleep 5.5; exit 0", "--workspace-bytes=20971520")
	if code := run.wait(); code != 0 || run.record().Reason != exited {
		test.Errorf("exit code %d, %+v", code, run.record())
	}
}

func BenchmarkDiskUsage(bench *testing.B) {
	root := bench.TempDir()
	for number := range 10_000 {
		directory := filepath.Join(root, fmt.Sprint(number/100))
		os.MkdirAll(directory, 0o755)
		os.WriteFile(filepath.Join(directory, fmt.Sprint(number)), nil, 0o644)
	}
	for bench.Loop() {
		diskUsage(root)
	}
}
