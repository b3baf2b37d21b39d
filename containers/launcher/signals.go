package main

import (
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

func listen() *signals {
	heard := &signals{children: make(chan os.Signal, 1), others: make(chan os.Signal, 32)}
	signal.Notify(heard.children, syscall.SIGCHLD)
	// Nobody reads these: a handler keeps a broken log pipe from killing us, and unlike SIG_IGN the script does not
	// inherit it.
	signal.Notify(make(chan os.Signal, 1), syscall.SIGPIPE)
	signal.Notify(heard.others,
		syscall.SIGTERM, syscall.SIGINT, syscall.SIGQUIT, syscall.SIGWINCH, realtimeStop,
		syscall.SIGHUP, syscall.SIGUSR1, syscall.SIGUSR2)
	return heard
}

// endsContainer says whether a signal means that the container shall end. It is SIGTERM, or what the image names as
// its STOPSIGNAL; the script gets SIGTERM for all of them. Other signals are passed on as they are.
func endsContainer(heard os.Signal) bool {
	switch heard {
	case syscall.SIGTERM, syscall.SIGINT, syscall.SIGQUIT, syscall.SIGWINCH, realtimeStop:
		return true
	}
	return false
}
