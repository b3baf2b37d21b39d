package main

import (
	"fmt"
	"os"
	"os/exec"
	"strings"
	"syscall"
	"testing"
	"time"
)

// The script has its launcher's uid: it can neither trace it nor look into it, as it can its own children.
func TestCannotBeTraced(test *testing.T) {
	bench := newBench(test)
	bench.as(nobody)
	run := bench.shell(`
		for file in environ mem maps auxv; do
			if head -c 1 /proc/$PPID/$file >/dev/null 2>&1; then echo "$file can be read"; fi
		done
		if ls /proc/$PPID/fd >/dev/null 2>&1; then echo descriptors can be seen; fi
		if echo 1000 >/proc/$PPID/oom_score_adj; then echo it can be chosen to be killed; fi
		head -c 1 /proc/$$/environ >/dev/null || echo the script itself cannot be
		sh -c 'sleep 1' & sleep 0.1; head -c 1 /proc/$!/environ >/dev/null || echo its child cannot be
	`)
	if code := run.wait(); code != 0 || run.stdout.Len() > 0 {
		test.Errorf("exit code %d: %s", code, &run.stdout)
	}
}

func TestThreadsAreMadeBeforeTheScript(test *testing.T) {
	bench := newBench(test)
	const count = "ls /proc/$PPID/task | wc -l"
	script := count + "; for i in 1 2 3 4 5 6; do kill -USR1 $PPID; sleep 0.2; done; " + count
	run := bench.shell("trap '' USR1; "+script, "--workspace-bytes=99999999", "--workspace=/opt/ml")
	run.wait()
	var before, after int
	if _, err := fmt.Sscan(run.stdout.String(), &before, &after); err != nil || before < threads || after != before {
		test.Errorf("%d threads, then %d: %v", before, after, err)
	}
}

// The script uses up the processes, or the limits, that its launcher would need for its work.
func TestHindered(test *testing.T) {
	if _, err := exec.LookPath("prlimit"); err != nil {
		test.Skip("needs prlimit (package util-linux)")
	}
	for name, row := range map[string]struct {
		limit  string
		reason reason
	}{
		"no descriptors":            {"--nofile=0:0", hindered},
		"no descriptors, for now":   {"--nofile=0:", exited},
		"no processes":              {"--nproc=1:1", hindered},
		"no file sizes, for now":    {"--fsize=0:", exited},
		"no time":                   {"--cpu=1:1", hindered},
		"no time, for now":          {"--cpu=1:", exited},
		"no signals":                {"--sigpending=0:0", hindered},
		"more than it had, for now": {"--core=0:", exited},
	} {
		test.Run(name, func(test *testing.T) {
			test.Parallel()
			bench := newBench(test)
			bench.as(nobody)
			run := bench.shell("prlimit --pid $PPID " + row.limit + " || exit 1; for i in $(seq 25); do sleep 0.1; done")
			run.wait()
			if record := run.record(); record.Reason != row.reason {
				test.Errorf("%+v: %s", record, &run.stderr)
			}
		})
	}
}

func TestForkBomb(test *testing.T) {
	prlimit, err := exec.LookPath("prlimit")
	if err != nil || os.Getuid() != 0 {
		test.Skip("needs prlimit (package util-linux), and root, to be a user of its own")
	}
	bench := newBench(test)
	bench.asFirst()
	bench.as(54321) // nobody else's processes count
	bench.program = []string{prlimit, "--nproc=60:60", launcher}
	run := bench.shell("b() { b | b & }; b 2>/dev/null; while :; do sleep 0.1 || :; done", "--max-runtime=1", "--stop-grace=0.3")
	began := time.Now()
	run.wait()
	if record := run.record(); record.Reason != maxRuntimeExceeded || time.Since(began) > 10*time.Second {
		test.Errorf("%+v after %s", record, time.Since(began))
	}
}

// What the script makes of the standard error, which it shares, keeps nobody waiting.
func TestBlockedLog(test *testing.T) {
	for name, nonblocking := range map[string]bool{"nobody reads": false, "and it does not block": true} {
		test.Run(name, func(test *testing.T) {
			reader, writer, err := os.Pipe()
			must(test, err)
			defer reader.Close()
			filler := int(writer.Fd())
			must(test, syscall.SetNonblock(filler, true))
			for err == nil {
				_, err = syscall.Write(filler, make([]byte, 4096))
			}
			must(test, syscall.SetNonblock(filler, nonblocking))
			bench := newBench(test)
			run := bench.prepare("--max-runtime=0.3", "--stop-grace=0.3", "--", "/bin/sh", "-c", "trap '' TERM; while :; do sleep 0.05; done")
			run.process.Stderr = writer
			began := time.Now()
			run.begin()
			if code := run.wait(); code != 137 || run.record().Reason != maxRuntimeExceeded || time.Since(began) > 3*time.Second {
				test.Errorf("exit code %d, %+v after %s", code, run.record(), time.Since(began))
			}
		})
	}
}

// Full volumes, as small file systems of their own.
func TestFullVolumes(test *testing.T) {
	for name, row := range map[string]struct {
		directory func(layout) string
		script    string
		fill      int // KiB of 64, before
		code      int
	}{
		"control, by the script":       {func(layout layout) string { return layout.control }, "head -c 2M /dev/zero > $D/fill; exit 3", 0, 3},
		"control, before":              {func(layout layout) string { return layout.control }, "", 64, exitBroken},
		"control, but for the pages":   {func(layout layout) string { return layout.control }, "", 56, exitBroken},
		"termination log, by a script": {func(layout layout) string { return layout.root + "/dev" }, "head -c 2M /dev/zero > $D/fill; echo why > $M; exit 3", 0, 3},
	} {
		test.Run(name, func(test *testing.T) {
			bench := newBench(test)
			directory := row.directory(bench.layout)
			if err := syscall.Mount("none", directory, "tmpfs", 0, "size=64k"); err != nil {
				test.Skipf("cannot mount: %v", err)
			}
			defer syscall.Unmount(directory, syscall.MNT_DETACH)
			os.WriteFile(bench.layout.lock, nil, 0o644)
			os.WriteFile(bench.layout.terminationLog, nil, 0o666)
			if row.fill > 0 {
				os.WriteFile(directory+"/fill", make([]byte, row.fill<<10), 0o644)
			}
			run := bench.shell(strings.ReplaceAll("D="+directory+"; M="+bench.layout.message+"; "+row.script, "head", "2>/dev/null head"))
			if code := run.wait(); code != row.code || exists(bench.layout.started) != (row.fill == 0) {
				test.Errorf("exit code %d: %s", code, &run.stderr)
			}
			if row.fill == 0 && run.record().Code != row.code {
				test.Errorf("%+v", run.record())
			}
		})
	}
}

// Every name in the control volume is something else by the time that the script ends.
func TestPlantedControlVolume(test *testing.T) {
	for name, plant := range map[string]string{
		"FIFOs":       "mkfifo",
		"links":       "ln -s /dev/zero",
		"directories": "mkdir",
	} {
		test.Run(name, func(test *testing.T) {
			bench := newBench(test)
			script := fmt.Sprintf("cd %s; for name in lock started record notes; do rm $name; %s $name; done; %s %s; exit 3",
				bench.layout.control, plant, plant, bench.layout.message)
			began := time.Now()
			if code := bench.shell(script).wait(); code != 3 || time.Since(began) > 3*time.Second {
				test.Errorf("exit code %d after %s", code, time.Since(began))
			}
			if words := bench.ownWords(); words != "" {
				test.Errorf("termination message %q", words)
			}
		})
	}
}
