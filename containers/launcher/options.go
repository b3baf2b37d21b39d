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
	command        []string
}

func parseOptions(args []string) (options, error) {
	parsed := options{stopGrace: 120 * time.Second}
	flags := flag.NewFlagSet("run", flag.ContinueOnError)
	flags.SetOutput(io.Discard)
	flags.Func("max-runtime", "seconds", seconds(&parsed.maxRuntime))
	flags.Func("stop-grace", "seconds", seconds(&parsed.stopGrace))
	flags.Int64Var(&parsed.workspaceBytes, "workspace-bytes", 0, "bytes")
	if err := flags.Parse(args); err != nil {
		return options{}, err
	}
	if parsed.workspaceBytes < 0 {
		return options{}, fmt.Errorf("--workspace-bytes=%d: must not be negative", parsed.workspaceBytes)
	}
	parsed.command = flags.Args()
	if len(parsed.command) == 0 {
		return options{}, errors.New("no command after --")
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
