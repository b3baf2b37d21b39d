package main

import (
	"os"
	"path/filepath"
	"syscall"
	"testing"
)

func TestIsNotRunTwice(test *testing.T) {
	for name, row := range map[string]struct {
		record string
		code   int
	}{
		"recorded":           {`{"version": 1, "code": 3}`, 3},
		"recorded success":   {`{"code": 0}`, 0},
		"no record":          {"", 137},
		"no code":            {`{"version": 1}`, 137},
		"unreadable record":  {`{"code": `, 137},
		"impossible code":    {`{"code": 256}`, 137},
		"code is not number": {`{"code": "0"}`, 137},
	} {
		test.Run(name, func(test *testing.T) {
			bench := newBench(test)
			must(test, os.WriteFile(bench.layout.started, nil, 0o644))
			if row.record != "" {
				must(test, os.WriteFile(bench.layout.record, []byte(row.record), 0o644))
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
	if exists(bench.layout.record) {
		test.Error("a record of a killed launcher")
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
	must(test, os.RemoveAll(filepath.Dir(bench.layout.lock)))
	run := bench.shell("touch " + bench.layout.root + "/ran")
	if code := run.wait(); code != exitBroken || exists(bench.layout.root+"/ran") {
		test.Errorf("exit code %d", code)
	}
	contains(test, run.stderr.String(), "the script was not started")
}
