package main

import (
	"errors"
	"os"
	"runtime"
	"syscall"
	"time"
)

// exitTerminated is the code of a script that was asked to end before it began: 128 + SIGTERM.
const exitTerminated = 143

// run runs the command, unless it was run before or is not wanted any more, and gives the container's exit code.
func run(options options, layout layout, signals *signals) int {
	if startedBefore(layout) {
		return repeat(layout)
	}
	if unwanted(layout, signals) {
		return exitTerminated
	}
	claim, err := claimRun(layout)
	if errors.Is(err, errStartedBefore) {
		return repeat(layout)
	}
	if err != nil {
		say("the script was not started: %v", err)
		return exitBroken
	}
	defer runtime.KeepAlive(claim)
	record := runCommand(options, layout, signals)
	if err := record.write(claim.record); err != nil {
		say("the exit record was not written: %v", err)
	}
	if err := passMessage(layout); err != nil {
		say("the script's message was not passed on: %v", err)
	}
	return record.Code
}

// repeat answers for a run that was before this one.
func repeat(layout layout) int {
	code := recordedCode(layout.record)
	say("the script was started before and is not run again; exit code %d", code)
	return code
}

// unwanted says whether the container was told to end, or the job to stop, before the script began. Then `started` is
// not made, and the uploader knows that there is nothing to upload.
func unwanted(layout layout, signals *signals) bool {
	for {
		select {
		case heard := <-signals.others:
			if endsContainer(heard) {
				say("%v before the start: the script is not run", heard)
				return true
			}
		default:
			if stopAsked(layout.signalDir) {
				say("stop requested before the start: the script is not run")
				return true
			}
			return false
		}
	}
}

func runCommand(options options, layout layout, signals *signals) record {
	adoptOrphans()
	meter := newMeter(findCgroup(layout.root))
	began := time.Now()
	result := record{Version: 1, Reason: commandNotFound, BootID: bootID(layout.bootID)}
	pid, err := startCommand(options.command, searchPath())
	if err == nil {
		supervisor := newSupervisor(options, layout, signals, meter, pid)
		supervisor.watch()
		supervisor.family.endLeftovers(5 * time.Second)
		result.Code, result.Signal = supervisor.family.outcome()
		result.Reason, result.Message = supervisor.explain(syscall.Signal(result.Signal))
		meter.fill(&result, &supervisor.family)
	} else {
		say("%v", err)
		result.Code, result.Message = exitNotExecutable, err.Error()
		if failed := (startError{}); errors.As(err, &failed) {
			result.Code = failed.code
		}
	}
	ended := time.Now()
	result.StartedAt, result.FinishedAt = timestamp(began), timestamp(ended)
	result.Milliseconds = ended.Sub(began).Milliseconds()
	return result
}

func searchPath() string {
	if path := os.Getenv("PATH"); path != "" {
		return path
	}
	return defaultPath
}
