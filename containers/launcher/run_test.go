package main

import (
	"os"
	"path/filepath"
	"strconv"
	"strings"
	"syscall"
	"testing"
	"time"
)

func TestEndsByItself(test *testing.T) {
	for name, row := range map[string]struct {
		script       string
		code, signal int
		reason       reason
	}{
		"success":                     {"exit 0", 0, 0, exited},
		"failure":                     {"exit 3", 3, 0, exited},
		"highest code":                {"exit 255", 255, 0, exited},
		"a code like a signal's":      {"exit 137", 137, 0, exited},
		"killed":                      {"kill -KILL $$", 137, 9, signaled},
		"crashed":                     {"kill -SEGV $$", 139, 11, signaled},
		"SIGTERM that nobody sent":    {"kill -TERM $$", 143, 15, signaled},
		"a child's death is not ours": {"sh -c 'kill -KILL $$'; exit 0", 0, 0, exited},
	} {
		test.Run(name, func(test *testing.T) {
			run := newBench(test).shell(row.script)
			if code := run.wait(); code != row.code {
				test.Errorf("exit code %d, want %d: %s", code, row.code, &run.stderr)
			}
			record := run.record()
			if record.Code != row.code || record.Signal != row.signal || record.Reason != row.reason || record.Version != 1 {
				test.Errorf("record %+v", record)
			}
			if !exists(run.layout.started) || !run.lockFree() {
				test.Error("no `started`, or the lock is not free")
			}
		})
	}
}

func TestRecordTimes(test *testing.T) {
	run := newBench(test).shell("sleep 0.3; i=0; while [ $i -lt 50000 ]; do i=$((i+1)); done")
	run.wait()
	record := run.record()
	began, err := time.Parse(time.RFC3339Nano, record.StartedAt)
	must(test, err)
	ended, err := time.Parse(time.RFC3339Nano, record.FinishedAt)
	must(test, err)
	if took := ended.Sub(began).Milliseconds(); took < 300 || record.Milliseconds < 300 || took-record.Milliseconds > 2 {
		test.Errorf("took %d ms, record %+v", took, record)
	}
	if record.CPUMilliseconds < 5 || record.PeakMemoryBytes < 100_000 {
		test.Errorf("record %+v", record)
	}
	text, err := os.ReadFile(run.layout.started)
	must(test, err)
	if _, err := time.Parse(time.RFC3339Nano, strings.TrimSuffix(string(text), "\n")); err != nil {
		test.Error(err)
	}
}

func TestScriptGetsArgumentsStreamsAndEnvironment(test *testing.T) {
	test.Setenv("GREETING", "hello")
	run := newBench(test).start("--", "sh", "-c", `echo "$GREETING $1"; echo oops >&2; exit 0`, "sh", "a b $(X) --max-runtime=1")
	run.wait()
	if got := run.stdout.String(); got != "hello a b $(X) --max-runtime=1\n" {
		test.Errorf("stdout %q", got)
	}
	contains(test, run.stderr.String(), "oops")
}

func TestStops(test *testing.T) {
	const obedient = `trap 'exit 7' TERM; touch ready; while :; do sleep 0.05; done`
	const deaf = `trap '' TERM; touch ready; while :; do sleep 0.05; done`
	stop := func(run *running) { run.setSignal(stopNow) }
	signal := func(signal os.Signal) func(*running) {
		return func(run *running) { must(run.T, run.process.Process.Signal(signal)) }
	}
	nothing := func(*running) {}
	for name, row := range map[string]struct {
		script       string
		options      []string
		do           func(*running)
		code, signal int
		reason       reason
		message      string
	}{
		"stop":                       {obedient, nil, stop, 7, 0, stopRequested, "stop requested: SIGTERM"},
		"stop, no handler":           {"touch ready; exec sleep 60", nil, stop, 143, 15, stopRequested, ""},
		"stop, ignored":              {deaf, []string{"--stop-grace=0.3"}, stop, 137, 9, stopRequested, "still running 300ms after SIGTERM: SIGKILL"},
		"stop, answered by 0":        {`trap 'exit 0' TERM; touch ready; while :; do sleep 0.05; done`, nil, stop, 0, 0, stopRequested, ""},
		"stop, all are SIGSTOPped":   {`touch ready; kill -STOP $$`, nil, stop, 143, 15, stopRequested, ""},
		"max runtime":                {obedient, []string{"--max-runtime=0.5"}, nothing, 7, 0, maxRuntimeExceeded, "the script ran for its maximum of 500ms: SIGTERM"},
		"max runtime, ignored":       {deaf, []string{"--max-runtime=0.5", "--stop-grace=0.2"}, nothing, 137, 9, maxRuntimeExceeded, "SIGKILL"},
		"container ends":             {obedient, nil, signal(syscall.SIGTERM), 7, 0, terminated, "SIGTERM)"},
		"container ends, ignored":    {deaf, []string{"--stop-grace=0.3"}, signal(syscall.SIGTERM), 137, 9, terminated, "SIGKILL"},
		"STOPSIGNAL SIGINT":          {obedient, nil, signal(syscall.SIGINT), 7, 0, terminated, "SIGINT)"},
		"STOPSIGNAL SIGQUIT":         {obedient, nil, signal(syscall.SIGQUIT), 7, 0, terminated, ""},
		"STOPSIGNAL SIGRTMIN+3":      {obedient, nil, signal(realtimeStop), 7, 0, terminated, ""},
		"another signal is passed":   {`trap 'exit 9' USR1; touch ready; while :; do sleep 0.05; done`, nil, signal(syscall.SIGUSR1), 9, 0, exited, ""},
		"a child alone ignores TERM": {`sh -c "trap '' TERM; sleep 60" & touch ready; wait`, nil, stop, 143, 15, stopRequested, ""},
	} {
		test.Run(name, func(test *testing.T) {
			test.Parallel()
			bench := newBench(test)
			run := bench.shell("cd "+bench.layout.root+"; "+row.script, row.options...)
			bench.untilFile(filepath.Join(bench.layout.root, "ready"))
			row.do(run)
			if code := run.wait(); code != row.code {
				test.Errorf("exit code %d, want %d: %s", code, row.code, &run.stderr)
			}
			record := run.record()
			if record.Code != row.code || record.Signal != row.signal || record.Reason != row.reason {
				test.Errorf("record %+v", record)
			}
			contains(test, record.Message, row.message)
		})
	}
}

func TestFirstReasonStays(test *testing.T) {
	bench := newBench(test)
	run := bench.shell("trap '' TERM; touch "+bench.layout.root+"/ready; while :; do sleep 0.05; done", "--stop-grace=0.6")
	bench.untilFile(bench.layout.root + "/ready")
	bench.setSignal(stopNow)
	time.Sleep(300 * time.Millisecond)
	must(test, run.process.Process.Signal(syscall.SIGTERM)) // the Pod is deleted while it stops: no new grace
	began := time.Now()
	run.wait()
	if record := run.record(); record.Reason != stopRequested || time.Since(began) > 500*time.Millisecond {
		test.Errorf("record %+v after %s", record, time.Since(began))
	}
}

func TestOtherSignalsAskForNothing(test *testing.T) {
	bench := newBench(test)
	bench.setSignal("")
	run := bench.shell("sleep 0.5; exit 4")
	bench.untilFile(bench.layout.started)
	bench.setSignal(`{"upload":"retry@2026-01-01T00:00:00Z"}`)
	if code := run.wait(); code != 4 {
		test.Errorf("exit code %d: %s", code, &run.stderr)
	}
}

func TestUnwantedBeforeTheStart(test *testing.T) {
	bench := newBench(test)
	bench.setSignal(stopNow)
	run := bench.shell("touch " + bench.layout.root + "/ran")
	if code := run.wait(); code != exitTerminated {
		test.Errorf("exit code %d", code)
	}
	if exists(bench.layout.started) || exists(bench.layout.record) || exists(bench.layout.root+"/ran") {
		test.Error("the script was started")
	}
	contains(test, run.stderr.String(), "launcher: stop requested before the start")
	contains(test, bench.ownWords(), "launcher: stop requested before the start")
}

func TestTerminatedBeforeTheStart(test *testing.T) {
	bench := newBench(test)
	heard := &signals{others: make(chan os.Signal, 2)}
	heard.others <- syscall.SIGHUP
	heard.others <- syscall.SIGTERM
	if code := run(options{command: []string{"true"}, root: bench.layout.root}, bench.layout, heard); code != exitTerminated || exists(bench.layout.started) {
		test.Errorf("exit code %d", code)
	}
}

func TestLeftoversAreKilled(test *testing.T) {
	bench := newBench(test)
	run := bench.shell("sleep 300 >/dev/null 2>&1 & echo $!; exit 5")
	if code := run.wait(); code != 5 {
		test.Errorf("exit code %d", code)
	}
	left, err := strconv.Atoi(strings.TrimSpace(run.stdout.String()))
	must(test, err)
	if err := syscall.Kill(left, 0); err != syscall.ESRCH {
		test.Errorf("process %d is still there: %v", left, err)
	}
}

func TestOrphansAreReaped(test *testing.T) {
	bench := newBench(test)
	run := bench.shell(`sh -c 'sh -c "exit 0" & sh -c "sleep 0.1" &'; touch `+bench.layout.root+`/ready; sleep 60`, "--stop-grace=1")
	bench.untilFile(bench.layout.root + "/ready")
	bench.until("no zombie is left below the launcher", func() bool { return zombies(run.process.Process.Pid) == 0 })
	must(test, run.process.Process.Signal(syscall.SIGTERM))
	run.wait()
}

func zombies(parent int) (count int) {
	stats, _ := filepath.Glob("/proc/[0-9]*/stat")
	for _, stat := range stats {
		text, _ := os.ReadFile(stat)
		if _, after, found := strings.Cut(string(text), ") "); found {
			if fields := strings.Fields(after); fields[0] == "Z" && fields[1] == strconv.Itoa(parent) {
				count++
			}
		}
	}
	return count
}

// As PID 1 of a namespace of its own, where the kernel gives no signal a default action.
func TestAsFirstProcess(test *testing.T) {
	bench := newBench(test)
	bench.asFirst()
	run := bench.shell("cd "+bench.layout.root+`; echo $PPID; setsid sh -c 'sleep 0.5; touch late' &
		trap 'exit 6' TERM; touch ready; while :; do sleep 0.05; done`, "--stop-grace=5")
	bench.untilFile(bench.layout.root + "/ready")
	must(test, run.process.Process.Signal(syscall.SIGTERM))
	if code := run.wait(); code != 6 || run.stdout.String() != "1\n" {
		test.Errorf("exit code %d, parent %q: %s", code, &run.stdout, &run.stderr)
	}
	if record := bench.record(); record.Reason != terminated {
		test.Errorf("record %+v", record)
	}
	time.Sleep(600 * time.Millisecond)
	if exists(bench.layout.root + "/late") {
		test.Error("a process outside of the group went on after the end")
	}
}
