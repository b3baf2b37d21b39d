package main

import (
	"os"
	"path/filepath"
	"testing"
)

func TestCommandNotFound(test *testing.T) {
	directory := test.TempDir()
	file := func(name, text string, mode os.FileMode) string {
		path := filepath.Join(directory, name)
		must(test, os.WriteFile(path, []byte(text), mode))
		return path
	}
	for name, row := range map[string]struct {
		command string
		code    int
		message string
	}{
		"no such name":       {"no-such-command", 127, `command "no-such-command" not found in PATH (`},
		"no such path":       {"/no/such/command", 127, `command "/no/such/command" not found`},
		"empty":              {"", 127, "the command is empty"},
		"directory":          {directory, 126, "is a directory"},
		"no execute bit":     {file("plain.py", "print()", 0o644), 126, "is not executable (mode 0644): name its interpreter"},
		"no #! line":         {file("bare", "echo hello", 0o755), 126, "no #! line"},
		"interpreter absent": {file("crlf", "#!/bin/sh\r\necho", 0o755), 127, "its interpreter"},
	} {
		test.Run(name, func(test *testing.T) {
			run := newBench(test).start("--", row.command)
			if code := run.wait(); code != row.code {
				test.Errorf("exit code %d, want %d", code, row.code)
			}
			record := run.record()
			if record.Code != row.code || record.Reason != commandNotFound {
				test.Errorf("record %+v", record)
			}
			contains(test, record.Message, row.message)
			contains(test, run.stderr.String(), row.message)
		})
	}
}

func TestLookUp(test *testing.T) {
	first, second := test.TempDir(), test.TempDir()
	must(test, os.WriteFile(filepath.Join(first, "tool"), nil, 0o644))
	must(test, os.WriteFile(filepath.Join(second, "tool"), nil, 0o755))
	must(test, os.WriteFile(filepath.Join(first, "other"), nil, 0o644))
	if path, err := lookUp("tool", first+":"+second); err != nil || path != filepath.Join(second, "tool") {
		test.Errorf("%s, %v", path, err)
	}
	if _, err := lookUp("other", first+":"+second); err.(startError).code != exitNotExecutable {
		test.Error(err)
	}
}

func TestOptions(test *testing.T) {
	for name, args := range map[string][]string{
		"no command":       {"--max-runtime=1", "--"},
		"no number":        {"--max-runtime=soon", "--", "true"},
		"negative":         {"--stop-grace=-1", "--", "true"},
		"not a number":     {"--stop-grace=NaN", "--", "true"},
		"negative bytes":   {"--workspace-bytes=-1", "--", "true"},
		"no such option":   {"--fast", "--", "true"},
		"nothing to weigh": {"--workspace-bytes=1", "--", "true"},
		"no such volume":   {"--workspace-bytes=1", "--workspace=/none", "--", "true"},
		"too long a time":  {"--max-runtime=1e300", "--", "true"},
	} {
		test.Run(name, func(test *testing.T) {
			bench := newBench(test)
			if code := bench.start(args...).wait(); code != exitBroken || exists(bench.layout.started) {
				test.Errorf("exit code %d", code)
			}
			contains(test, bench.ownWords(), "launcher: ")
		})
	}
}
