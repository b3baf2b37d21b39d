package main

import (
	"debug/elf"
	"fmt"
	"os/exec"
	"path/filepath"
	"runtime"
	"strings"
	"testing"
)

// hostile is what a script's environment, or its image's, may hold.
var hostile = []string{
	"GODEBUG=gctrace=1,schedtrace=1,inittrace=1", "GOTRACEBACK=crash", "GOMEMLIMIT=malformed", "GOGC=malformed", "GOMAXPROCS=1", "GO=1",
	"GOCOVERDIR=/nowhere", "GORACE=x", "PROCESSING_ROOT=", "PROCESSING_LAUNCHER=/nowhere", "LAUNCHER_ROOT=/nowhere",
	"LD_PRELOAD=/nowhere", "LD_LIBRARY_PATH=/nowhere", "LD_DEBUG=help", "LD_TRACE_LOADED_OBJECTS=", "GLIBC_TUNABLES=glibc.malloc.check=3",
	"TZ=/nowhere", "ZONEINFO=/nowhere", "TMPDIR=/nowhere", "G=1", "gO=1", "EMPTY=", "LANG=xx",
}

// Nothing of the launcher is steered by names that users own, and the script gets them as they are.
func TestEnvironment(test *testing.T) {
	for _, variable := range hostile {
		test.Run(variable, func(test *testing.T) {
			test.Parallel()
			bench := newBench(test)
			bench.environment = []string{variable}
			name, value, _ := strings.Cut(variable, "=")
			check := "env | grep -qxF '" + variable + "'"
			switch {
			case name == "LD_DEBUG" || name == "LD_TRACE_LOADED_OBJECTS":
				check = "" // the shell itself does not run with these
			case strings.HasPrefix(name, "LD_"):
				check = fmt.Sprintf(`[ "$%s" = '%s' ]`, name, value)
			}
			run := bench.shell(check)
			if code := run.wait(); code != 0 || run.record().Reason != exited {
				test.Errorf("exit code %d, stdout %q, stderr %q", code, &run.stdout, &run.stderr)
			}
		})
	}
}

// All at once, here and on the other architecture that there are nodes of.
func TestAllOfTheEnvironment(test *testing.T) {
	for _, architecture := range []string{runtime.GOARCH, "arm64"} {
		test.Run(architecture, func(test *testing.T) {
			bench := newBench(test)
			bench.program = built(test, architecture)
			bench.environment = hostile
			run := bench.start("--", launcher, "version")
			if code := run.wait(); code != 0 || run.stdout.String() != "dev\n" || run.stderr.Len() > 0 {
				test.Errorf("exit code %d: %q", code, &run.stderr)
			}
			bench = newBench(test)
			bench.program = built(test, architecture)
			bench.environment = []string{"GOMEMLIMIT=malformed", "GO=", "G=O"}
			run = bench.shell("echo $GOMEMLIMIT $GO $G")
			if code := run.wait(); code != 0 || run.stdout.String() != "malformed O\n" {
				test.Errorf("exit code %d: %q %q", code, &run.stdout, &run.stderr)
			}
		})
	}
}

// built gives a launcher of an architecture, with the program that runs it.
func built(test *testing.T, architecture string) []string {
	test.Helper()
	if architecture == runtime.GOARCH {
		return nil
	}
	emulator, err := exec.LookPath("qemu-aarch64-static")
	if err != nil {
		test.Skip("needs qemu-aarch64-static (package qemu-user-static)")
	}
	path := filepath.Join(test.TempDir(), "launcher")
	must(test, buildLauncher(path, architecture))
	return []string{emulator, path}
}

func TestNoLoader(test *testing.T) {
	program, err := elf.Open(launcher)
	must(test, err)
	defer program.Close()
	for _, part := range program.Progs {
		if part.Type == elf.PT_INTERP || part.Type == elf.PT_DYNAMIC {
			test.Errorf("%v: LD_PRELOAD would have a say", part.Type)
		}
	}
}

// Built without its entry, it does not run scripts.
func TestAnotherEntry(test *testing.T) {
	bench := newBench(test)
	path := filepath.Join(test.TempDir(), "launcher")
	must(test, exec.Command("go", "build", "-o", path, ".").Run())
	bench.program = []string{path}
	run := bench.shell("exit 0")
	if code := run.wait(); code != exitBroken {
		test.Errorf("exit code %d", code)
	}
	contains(test, run.stderr.String(), "-E launcher_entry")
}
