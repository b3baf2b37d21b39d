package main

import (
	"fmt"
	"os"
	"syscall"
	"time"
)

// supervisor watches one run. Everything it decides happens in one goroutine. It acts first and tells it then.
type supervisor struct {
	options options
	layout  layout
	signals *signals
	guard   *guard
	limits  resourceLimits
	meter   *meter
	family  family

	reason  reason // why the script is being ended; Exited while nobody has asked for it
	message string
	killAt  <-chan time.Time // when the grace is over; nil: not asked to end
	killed  bool
}

func newSupervisor(options options, layout layout, signals *signals, guard *guard, notes *os.File) *supervisor {
	return &supervisor{
		options: options, layout: layout, signals: signals, guard: guard, limits: readLimits(),
		meter: newMeter(findCgroup(layout.root), notes), reason: exited,
	}
}

// watch returns when the main process has ended.
func (supervisor *supervisor) watch(pid int) {
	supervisor.family.main = pid
	stop, full := make(chan struct{}), make(chan breach)
	go watchStop(supervisor.layout.signalDir, stop)
	if len(supervisor.guard.limits) > 0 {
		go supervisor.guard.watch(full)
	}
	var tooLong <-chan time.Time
	if supervisor.options.maxRuntime > 0 {
		tooLong = time.After(supervisor.options.maxRuntime)
	}
	seconds := time.NewTicker(time.Second)
	defer seconds.Stop()
	for !supervisor.family.ended {
		select {
		case <-supervisor.signals.children:
			supervisor.family.reap()
		case heard := <-supervisor.signals.others:
			supervisor.hear(heard)
		case <-stop:
			supervisor.end(stopRequested, "stop requested")
		case <-tooLong:
			supervisor.end(maxRuntimeExceeded, fmt.Sprintf("the script ran for its maximum of %s", supervisor.options.maxRuntime))
		case breach := <-full:
			supervisor.shrink(breach)
		case <-supervisor.killAt:
			supervisor.kill(fmt.Sprintf("still running %s after SIGTERM", supervisor.options.stopGrace))
		case <-seconds.C:
			supervisor.look()
		}
	}
}

func (supervisor *supervisor) hear(heard os.Signal) {
	number, _ := heard.(syscall.Signal)
	switch meaningOf(number, originOf(number)) {
	case end:
		supervisor.end(terminated, fmt.Sprintf("the container was told to end (%s)", nameOf(number)))
	case selfMade:
		supervisor.end(selfSignaled, fmt.Sprintf("the script sent %s to process 1, which ends the container", nameOf(number)))
	case pass:
		supervisor.family.signal(number)
	}
}

// shrink ends a script that fills its workspace or its Pod, before the kubelet deletes it together with the outputs.
func (supervisor *supervisor) shrink(breach breach) {
	supervisor.end(workspaceFull, breach.String())
	if breach.used >= breach.kill {
		supervisor.kill(fmt.Sprintf("%d bytes", breach.used))
	}
}

func (supervisor *supervisor) look() {
	supervisor.meter.sample()
	if limit := supervisor.limits.taken(); limit != "" {
		supervisor.end(hindered, fmt.Sprintf("the script lowered the %s of process 1, which needs it for its work", limit))
	}
}

// fill says in a record how the run ended.
func (supervisor *supervisor) fill(result *record) {
	supervisor.family.endLeftovers(5 * time.Second)
	result.Code, result.Signal = supervisor.family.outcome()
	result.Reason, result.Message = supervisor.explain(syscall.Signal(result.Signal))
	supervisor.meter.fill(result, &supervisor.family)
}

// end asks the script to end, once: the first reason and its deadline stay.
func (supervisor *supervisor) end(why reason, message string) {
	if supervisor.reason != exited {
		return
	}
	supervisor.family.signal(syscall.SIGTERM)
	supervisor.family.signal(syscall.SIGCONT) // a process that is stopped would not hear it
	supervisor.killAt = time.After(supervisor.options.stopGrace)
	supervisor.reason, supervisor.message = why, message+": SIGTERM"
	say("%s: SIGTERM to the script, SIGKILL in %s", message, supervisor.options.stopGrace)
}

func (supervisor *supervisor) kill(message string) {
	if supervisor.killed {
		return
	}
	supervisor.family.signal(syscall.SIGKILL)
	supervisor.killed = true
	supervisor.message += "; " + message + ": SIGKILL"
	say("%s: SIGKILL to the script", message)
}

// explain gives the record's reason and message.
func (supervisor *supervisor) explain(signal syscall.Signal) (reason, string) {
	if supervisor.reason == exited && signal != 0 {
		return signaled, fmt.Sprintf("the script was killed by signal %d (%v)", int(signal), signal)
	}
	return supervisor.reason, supervisor.message
}
