package main

import (
	"fmt"
	"os"
	"os/signal"
	"syscall"
)

// realtimeStop is SIGRTMIN+3, by which images made around systemd are stopped.
const realtimeStop = syscall.Signal(37)

// signals are what the kernel brings to the launcher.
type signals struct {
	children chan os.Signal
	others   chan os.Signal
}

// listen catches every signal that can be caught: what a script sends must not end its launcher. SIGURG and SIGPROF are
// Go's own.
func listen() *signals {
	heard := &signals{children: make(chan os.Signal, 1), others: make(chan os.Signal, 2*lastSignal)}
	for number := syscall.Signal(1); number <= lastSignal; number++ {
		switch number {
		case syscall.SIGURG, syscall.SIGPROF:
		case syscall.SIGCHLD:
			signal.Notify(heard.children, number)
		case syscall.SIGPIPE:
			// Nobody reads these: a handler keeps a broken log pipe from killing us, and unlike SIG_IGN the script does
			// not inherit it.
			signal.Notify(make(chan os.Signal, 1), number)
		default:
			signal.Notify(heard.others, number)
			hearSenders(number)
		}
	}
	return heard
}

// meaning is what the launcher does about a signal.
type meaning int

const (
	nothing  meaning = iota
	pass             // on to the script
	end              // of the container
	selfMade         // the same, and the script has sent it
)

// meaningOf reads a signal. From outside it is SIGTERM or what the image names as its STOPSIGNAL: the script gets SIGTERM
// for all of them.
func meaningOf(number syscall.Signal, from origin) meaning {
	switch number {
	case syscall.SIGTERM, syscall.SIGINT, syscall.SIGQUIT, syscall.SIGABRT, syscall.SIGWINCH, realtimeStop:
		if from == inside {
			return selfMade
		}
		return end
	case syscall.SIGCONT:
		return nothing
	}
	switch {
	case from == outside:
		return end
	case number == syscall.SIGHUP || number == syscall.SIGUSR1 || number == syscall.SIGUSR2:
		return pass
	}
	return nothing
}

// nameOf gives a signal's name as people write it.
func nameOf(number syscall.Signal) string {
	names := map[syscall.Signal]string{
		syscall.SIGHUP: "SIGHUP", syscall.SIGINT: "SIGINT", syscall.SIGQUIT: "SIGQUIT", syscall.SIGABRT: "SIGABRT",
		syscall.SIGUSR1: "SIGUSR1", syscall.SIGUSR2: "SIGUSR2", syscall.SIGTERM: "SIGTERM", syscall.SIGWINCH: "SIGWINCH",
		realtimeStop: "SIGRTMIN+3",
	}
	if name, known := names[number]; known {
		return name
	}
	return fmt.Sprintf("signal %d (%v)", int(number), number)
}
