package main

import (
	"fmt"
	"os"
	"syscall"
	"time"
)

// supervisor watches one run. Everything it decides happens in one goroutine.
type supervisor struct {
	options options
	layout  layout
	signals *signals
	meter   *meter
	family  family

	reason  reason // why the script is being ended; Exited while nobody has asked for it
	message string
	killAt  <-chan time.Time // when the grace is over; nil: not asked to end
	killed  bool
}

func newSupervisor(options options, layout layout, signals *signals, meter *meter, pid int) *supervisor {
	return &supervisor{
		options: options, layout: layout, signals: signals, meter: meter,
		family: family{main: pid}, reason: exited,
	}
}

// watch returns when the main process has ended.
func (supervisor *supervisor) watch() {
	stop, full := make(chan struct{}), make(chan int64)
	go watchStop(supervisor.layout.signalDir, stop)
	if supervisor.options.workspaceBytes > 0 {
		go watchWorkspace(supervisor.layout.workspace, supervisor.options.workspaceBytes, full)
	}
	var tooLong <-chan time.Time
	if supervisor.options.maxRuntime > 0 {
		tooLong = time.After(supervisor.options.maxRuntime)
	}
	samples := time.NewTicker(time.Second)
	defer samples.Stop()
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
		case used := <-full:
			supervisor.shrink(used)
		case <-supervisor.killAt:
			supervisor.kill(fmt.Sprintf("still running %s after SIGTERM", supervisor.options.stopGrace))
		case <-samples.C:
			supervisor.meter.sample()
		}
	}
}

func (supervisor *supervisor) hear(heard os.Signal) {
	if endsContainer(heard) {
		supervisor.end(terminated, fmt.Sprintf("the container was told to end (%v)", heard))
	} else if number, known := heard.(syscall.Signal); known {
		supervisor.family.signal(number)
	}
}

// shrink ends a script that fills its workspace, before the kubelet deletes it together with the Pod.
func (supervisor *supervisor) shrink(used int64) {
	limit := supervisor.options.workspaceBytes
	holds := fmt.Sprintf("the workspace holds %d of %d bytes (%.0f %%)", used, limit, percent(used, limit))
	supervisor.end(workspaceFull, holds)
	if percent(used, limit) >= killPercent {
		supervisor.kill(holds)
	}
}

// end asks the script to end, once: the first reason and its deadline stay.
func (supervisor *supervisor) end(why reason, message string) {
	if supervisor.reason != exited {
		return
	}
	supervisor.reason, supervisor.message = why, message+": SIGTERM"
	say("%s: SIGTERM to the script, SIGKILL in %s", message, supervisor.options.stopGrace)
	supervisor.family.signal(syscall.SIGTERM)
	supervisor.family.signal(syscall.SIGCONT) // a process that is stopped would not hear it
	supervisor.killAt = time.After(supervisor.options.stopGrace)
}

func (supervisor *supervisor) kill(message string) {
	if supervisor.killed {
		return
	}
	supervisor.killed = true
	supervisor.message += "; " + message + ": SIGKILL"
	say("%s: SIGKILL to the script", message)
	supervisor.family.signal(syscall.SIGKILL)
}

// explain gives the record's reason and message.
func (supervisor *supervisor) explain(signal syscall.Signal) (reason, string) {
	if supervisor.reason == exited && signal != 0 {
		return signaled, fmt.Sprintf("the script was killed by signal %d (%v)", int(signal), signal)
	}
	return supervisor.reason, supervisor.message
}
