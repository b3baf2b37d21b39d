package main

import (
	"os"
	"syscall"
	"testing"
)

func TestIsNotRunTwice(test *testing.T) {
	for name, row := range map[string]struct {
		record []byte
		code   int
	}{
		"recorded":       {page(`{"version":1,"code":3}`), 3},
		"no file":        {nil, 137},
		"no record":      {make([]byte, pageSize), 137},
		"another format": {[]byte(`{"version":1,"code":3}`), 137},
	} {
		test.Run(name, func(test *testing.T) {
			bench := newBench(test)
			must(test, os.WriteFile(bench.layout.started, nil, 0o644))
			if row.record != nil {
				must(test, os.WriteFile(bench.layout.record, row.record, 0o644))
			}
			run := bench.shell("touch " + bench.layout.root + "/ran")
			if code := run.wait(); code != row.code || exists(bench.layout.root+"/ran") {
				test.Errorf("exit code %d, want %d", code, row.code)
			}
			contains(test, run.stderr.String(), "is not run again")
		})
	}
}

func TestLockIsHeldBeforeStarted(test *testing.T) {
	bench := newBench(test)
	run := bench.shell("sleep 60")
	for !exists(bench.layout.started) {
	}
	if bench.lockFree() {
		test.Error("`started` is there and the lock is free")
	}
	must(test, run.process.Process.Kill())
	run.wait()
}

func TestKillFreesTheLock(test *testing.T) {
	bench := newBench(test)
	run := bench.shell("exec sleep 3")
	bench.untilFile(bench.layout.started)
	must(test, run.process.Process.Signal(syscall.SIGKILL))
	bench.until("the lock is free, though the script lives", bench.lockFree)
	if _, err := readPage(bench.layout.record); err != errNoPage {
		test.Errorf("a record of a killed launcher: %v", err)
	}
	if code := bench.shell("exit 0").wait(); code != 137 {
		test.Errorf("second run: exit code %d", code)
	}
}

func TestSecondRunDoesNotWaitForTheUploader(test *testing.T) {
	bench := newBench(test)
	must(test, os.WriteFile(bench.layout.started, nil, 0o644))
	file, err := os.Open(bench.layout.lock)
	must(test, err)
	defer file.Close()
	must(test, syscall.Flock(int(file.Fd()), syscall.LOCK_SH))
	if code := bench.shell("exit 0").wait(); code != 137 {
		test.Errorf("exit code %d", code)
	}
}

func TestNoControlVolume(test *testing.T) {
	bench := newBench(test)
	must(test, os.RemoveAll(bench.layout.control))
	run := bench.shell("touch " + bench.layout.root + "/ran")
	if code := run.wait(); code != exitBroken || exists(bench.layout.root+"/ran") {
		test.Errorf("exit code %d", code)
	}
	contains(test, run.stderr.String(), "the script was not started")
	contains(test, bench.ownWords(), "launcher: the script was not started")
}
