package main

import (
	"fmt"
	"os/exec"
	"regexp"
	"strconv"
	"syscall"
	"testing"
	"time"
)

// Any signal that the script sends to process 1: none crashes it, those that end a container end it in the script's name.
func TestScriptSignalsItsLauncher(test *testing.T) {
	ending := map[syscall.Signal]string{
		syscall.SIGINT: "SIGINT", syscall.SIGQUIT: "SIGQUIT", syscall.SIGABRT: "SIGABRT", syscall.SIGTERM: "SIGTERM",
		syscall.SIGWINCH: "SIGWINCH", realtimeStop: "SIGRTMIN+3",
	}
	for number := syscall.Signal(1); number <= lastSignal; number++ {
		test.Run(fmt.Sprint(int(number)), func(test *testing.T) {
			test.Parallel()
			bench := newBench(test)
			bench.asFirst()
			script := fmt.Sprintf("trap 'exit 7' TERM; trap '' HUP USR1 USR2; kill -%d $PPID; for i in $(seq 10); do sleep 0.03; done; exit 0", int(number))
			run := bench.shell(script)
			code := run.wait()
			name, ends := ending[number]
			want := map[bool]int{true: 7, false: 0}[ends]
			if record := run.record(); code != want || (record.Reason == selfSignaled) != ends {
				test.Errorf("exit code %d, %+v: %s", code, record, &run.stderr)
			}
			if ends {
				contains(test, run.record().Message, "the script sent "+name+" to process 1, which ends the container: SIGTERM")
			}
		})
	}
}

// sigqueue lets a sender make up who he is, and that the signal is a fault of the receiver's.
func TestForgedSignals(test *testing.T) {
	python, err := exec.LookPath("python3")
	if err != nil {
		test.Skip("needs python3")
	}
	const forge = `
import ctypes, signal, struct, sys, time
signal.signal(signal.SIGTERM, lambda *_: sys.exit(7))
number = int(sys.argv[1])
info = struct.pack("iiiiii", number, 0, -1, 0, 0, 0).ljust(128, b"\0")
assert ctypes.CDLL(None).syscall(129, 1, number, info) == 0
time.sleep(0.3)
`
	for number, code := range map[syscall.Signal]int{
		syscall.SIGTERM: 7, syscall.SIGSEGV: 0, syscall.SIGBUS: 0, syscall.SIGFPE: 0, syscall.SIGILL: 0, syscall.SIGTRAP: 0,
		syscall.SIGSYS: 0, syscall.SIGPROF: 0, syscall.SIGURG: 0, syscall.SIGCHLD: 0, syscall.SIGPIPE: 0,
	} {
		test.Run(fmt.Sprint(int(number)), func(test *testing.T) {
			test.Parallel()
			bench := newBench(test)
			bench.asFirst()
			run := bench.start("--", python, "-c", forge, fmt.Sprint(int(number)))
			if got := run.wait(); got != code || run.record().Reason == terminated {
				test.Errorf("exit code %d, %+v: %s", got, run.record(), &run.stderr)
			}
		})
	}
}

func TestManySignals(test *testing.T) {
	bench := newBench(test)
	bench.asFirst()
	script := `trap '' USR1 USR2 HUP; (while :; do kill -USR1 1; kill -ALRM 1; kill -40 1; kill -SEGV 1; done) & touch ` + bench.layout.root + `/ready; sleep 30`
	run := bench.shell(script, "--stop-grace=1")
	bench.untilFile(bench.layout.root + "/ready")
	time.Sleep(200 * time.Millisecond)
	must(test, run.process.Process.Signal(syscall.SIGTERM))
	if code := run.wait(); code != 143 || run.record().Reason != terminated {
		test.Errorf("exit code %d, %+v: %s", code, run.record(), &run.stderr)
	}
}

// Whatever the image names as its STOPSIGNAL.
func TestRuntimeEndsTheContainer(test *testing.T) {
	for number, reason := range map[syscall.Signal]reason{
		syscall.SIGTERM: terminated, syscall.SIGINT: terminated, syscall.SIGQUIT: terminated, syscall.SIGHUP: terminated,
		syscall.SIGUSR1: terminated, syscall.SIGABRT: terminated, realtimeStop: terminated, syscall.Signal(50): terminated,
		syscall.SIGCONT: exited, syscall.SIGURG: exited, syscall.SIGCHLD: exited,
	} {
		test.Run(fmt.Sprint(int(number)), func(test *testing.T) {
			test.Parallel()
			bench := newBench(test)
			bench.asFirst()
			run := bench.shell("touch " + bench.layout.root + "/ready; for i in $(seq 20); do sleep 0.03; done")
			bench.untilFile(bench.layout.root + "/ready")
			must(test, run.process.Process.Signal(number))
			if run.wait(); run.record().Reason != reason {
				test.Errorf("%+v: %s", run.record(), &run.stderr)
			}
		})
	}
}

func TestScriptHasNoSignalsBlockedOrIgnored(test *testing.T) {
	run := newBench(test).start("--", "grep", "^Sig[BI]", "/proc/self/status")
	run.wait()
	const ofTheLibrary = 3 << 31 // 32 and 33 are the C library's own: whoever is started by posix_spawn, as by make, ignores them
	for _, mask := range regexp.MustCompile("[0-9a-f]{16}").FindAllString(run.stdout.String(), 2) {
		if signals, err := strconv.ParseUint(mask, 16, 64); err != nil || signals&^ofTheLibrary != 0 {
			test.Errorf("%q", &run.stdout)
		}
	}
}

func TestSignalsOnTheOtherArchitecture(test *testing.T) {
	program := built(test, "arm64")
	for number, want := range map[syscall.Signal]reason{syscall.SIGTERM: selfSignaled, syscall.SIGALRM: exited} {
		bench := newBench(test)
		bench.asFirst()
		bench.program = program
		run := bench.shell(fmt.Sprintf("kill -%d $PPID; for i in $(seq 10); do sleep 0.03; done", int(number)))
		if run.wait(); run.record().Reason != want {
			test.Errorf("%+v: %s", run.record(), &run.stderr)
		}
	}
	bench := newBench(test)
	bench.asFirst()
	bench.program = program
	run := bench.shell("touch " + bench.layout.root + "/ready; sleep 5")
	bench.untilFile(bench.layout.root + "/ready")
	must(test, run.process.Process.Signal(syscall.SIGTERM))
	if run.wait(); run.record().Reason != terminated {
		test.Errorf("%+v: %s", run.record(), &run.stderr)
	}
}
