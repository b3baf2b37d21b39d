package main

import (
	"errors"
	"flag"
	"fmt"
	"io"
	"math"
	"strconv"
	"time"
)

// options are the launcher's command line.
type options struct {
	maxRuntime     time.Duration // 0: no limit
	stopGrace      time.Duration // from SIGTERM to SIGKILL
	workspaceBytes int64         // 0: not guarded
	workspaces     []string      // the directories that hold it
	root           string        // "/" but in tests
	command        []string
}

func parseOptions(args []string) (options, error) {
	parsed := options{stopGrace: 120 * time.Second}
	flags := flag.NewFlagSet("run", flag.ContinueOnError)
	flags.SetOutput(io.Discard)
	flags.Func("max-runtime", "seconds", seconds(&parsed.maxRuntime))
	flags.Func("stop-grace", "seconds", seconds(&parsed.stopGrace))
	flags.Int64Var(&parsed.workspaceBytes, "workspace-bytes", 0, "bytes")
	flags.Func("workspace", "directory", func(directory string) error {
		parsed.workspaces = append(parsed.workspaces, directory)
		return nil
	})
	flags.StringVar(&parsed.root, "root", "/", "directory")
	if err := flags.Parse(args); err != nil {
		return parsed, err
	}
	parsed.command = flags.Args()
	switch {
	case parsed.workspaceBytes < 0:
		return parsed, fmt.Errorf("--workspace-bytes=%d: must not be negative", parsed.workspaceBytes)
	case parsed.workspaceBytes > 0 && len(parsed.workspaces) == 0:
		return parsed, errors.New("--workspace-bytes without --workspace: there is nothing to measure")
	case len(parsed.command) == 0:
		return parsed, errors.New("no command after --")
	}
	return parsed, nil
}

// seconds parses a number of seconds; fractions are for tests.
func seconds(target *time.Duration) func(string) error {
	return func(text string) error {
		value, err := strconv.ParseFloat(text, 64)
		if err != nil || !(value >= 0) || value > math.MaxInt64/float64(time.Second) {
			return errors.New("must be a number of seconds, 0 or more")
		}
		*target = time.Duration(value * float64(time.Second))
		return nil
	}
}
