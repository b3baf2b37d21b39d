package main

import (
	"errors"
	"fmt"
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
	log := openTerminationLog(layout.terminationLog)
	if why := unwanted(layout, signals); why != "" {
		return refuse(log, exitTerminated, "%s before the start: the script is not run", why)
	}
	guard, err := newGuard(options, layout)
	if err != nil {
		return refuse(log, exitBroken, "the script was not started: %v", err)
	}
	claim, err := claimRun(layout)
	if errors.Is(err, errStartedBefore) {
		return repeat(layout)
	}
	if err != nil {
		return refuse(log, exitBroken, "the script was not started: %v", err)
	}
	defer runtime.KeepAlive(claim)
	record := runCommand(options, layout, signals, guard, claim)
	if err := record.write(claim.record); err != nil {
		say("the exit record was not written: %v", err)
	}
	if err := passMessage(layout, log); err != nil {
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

// unwanted says how the container was told to end, or the job to stop, before the script began. Then `started` is not
// made, and the uploader knows that there is nothing to upload.
func unwanted(layout layout, signals *signals) string {
	for {
		select {
		case heard := <-signals.others:
			if number, known := heard.(syscall.Signal); known && meaningOf(number, originOf(number)) == end {
				return nameOf(number)
			}
		default:
			if stopAsked(layout.signalDir) {
				return "stop requested"
			}
			return ""
		}
	}
}

func runCommand(options options, layout layout, signals *signals, guard *guard, claim *claim) record {
	adoptOrphans()
	makeThreads()
	supervisor := newSupervisor(options, layout, signals, guard, claim.notes)
	began := time.Now()
	result := record{Version: 1, Reason: commandNotFound, BootID: bootID(layout.bootID)}
	pid, err := startCommand(options.command, searchPath())
	if err == nil {
		supervisor.watch(pid)
		supervisor.fill(&result)
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

// refuse says why no script is run, also where the kubelet reads it: who looks later may not have the log.
func refuse(log terminationLog, code int, format string, values ...any) int {
	say(format, values...)
	log.write(fmt.Appendf(nil, "launcher: "+format, values...))
	return code
}

func searchPath() string {
	if path := os.Getenv("PATH"); path != "" {
		return path
	}
	return defaultPath
}
