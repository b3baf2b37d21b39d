package main

import (
	"os"
	"strings"
	"syscall"
	"testing"
)

func TestFirstCharacters(test *testing.T) {
	for name, row := range map[string]struct{ text, want string }{
		"short":                 {"done", "done"},
		"exact":                 {strings.Repeat("a", 8), "aaaaaaaa"},
		"long":                  {strings.Repeat("a", 9), "aaaaaaaa"},
		"cut on a character":    {"aaaaaaé", "aaaaaaé"},
		"a character too much":  {"aaaaaaaé", "aaaaaaa"},
		"a long one too much":   {"aaaaa\U0001F600", "aaaaa"},
		"bad byte":              {"a\xffb", "a�b"},
		"bad byte does not fit": {"aaaaaa\xff", "aaaaaa"},
		"bad end":               {"a\xc3", "a�"},
	} {
		test.Run(name, func(test *testing.T) {
			if got := string(firstCharacters([]byte(row.text), 8)); got != row.want {
				test.Errorf("%q, want %q", got, row.want)
			}
		})
	}
}

func TestMessageIsPassedOn(test *testing.T) {
	for name, row := range map[string]struct{ text, want string }{
		"text":      {"no rows left\n", "no rows left\n"},
		"long":      {strings.Repeat("a", 1023) + "é!", strings.Repeat("a", 1023)},
		"fits":      {strings.Repeat("a", 1022) + "é", strings.Repeat("a", 1022) + "é"},
		"very long": {strings.Repeat("é", 100_000), strings.Repeat("é", 512)},
	} {
		test.Run(name, func(test *testing.T) {
			bench := newBench(test)
			source := bench.layout.root + "/text"
			must(test, os.WriteFile(source, []byte(row.text), 0o644))
			if code := bench.shell("cp " + source + " " + bench.layout.message + "; exit 1").wait(); code != 1 {
				test.Errorf("exit code %d", code)
			}
			got, err := os.ReadFile(bench.layout.terminationLog)
			must(test, err)
			if string(got) != row.want {
				test.Errorf("%q", got)
			}
		})
	}
}

func TestNoMessage(test *testing.T) {
	for name, script := range map[string]string{
		"no file":   "exit 2",
		"a pipe":    "mkfifo $M; exit 2",
		"directory": "mkdir $M; exit 2",
		"dangling":  "ln -s nowhere $M; exit 2",
	} {
		test.Run(name, func(test *testing.T) {
			bench := newBench(test)
			if code := bench.shell("M=" + bench.layout.message + "; " + script).wait(); code != 2 || bench.record().Code != 2 {
				test.Errorf("exit code %d", code)
			}
			if got, err := os.ReadFile(bench.layout.terminationLog); err != nil || len(got) > 0 {
				test.Errorf("%q, %v", got, err)
			}
		})
	}
}

func TestNoTerminationLog(test *testing.T) {
	bench := newBench(test)
	must(test, syscall.Unlink(bench.layout.terminationLog))
	if code := bench.shell("echo hello > " + bench.layout.message).wait(); code != 0 || bench.record().Code != 0 {
		test.Errorf("exit code %d", code)
	}
}
