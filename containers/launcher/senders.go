package main

import (
	"os"
	"syscall"
	"unsafe"
)

// Filled by the assembly of entry_*.s.
var (
	signalHandler uintptr               // the address of handleSignal; 0: the program did not begin at launcher_entry
	goHandler     uintptr               // what handleSignal goes on to
	senders       [lastSignal + 1]int32 // by signal, the pid that sent it last: 0: of another PID namespace; -1: not by kill()
)

const lastSignal = 64

// origin says where a signal came from.
type origin int

const (
	unknown origin = iota
	inside         // a process of the container
	outside        // the container's runtime
)

// hearSenders has handleSignal called before Go's handler of a signal, where there is one.
func hearSenders(number syscall.Signal) {
	var action struct{ handler, flags, restorer, mask uintptr }
	set := func(now, before unsafe.Pointer) syscall.Errno {
		_, _, err := syscall.RawSyscall6(syscall.SYS_RT_SIGACTION, uintptr(number), uintptr(now), uintptr(before), 8, 0, 0)
		return err
	}
	if set(nil, unsafe.Pointer(&action)) != 0 || action.handler <= 1 || action.handler == signalHandler { // SIG_DFL, SIG_IGN
		return
	}
	goHandler, action.handler = action.handler, signalHandler
	set(unsafe.Pointer(&action), nil)
}

// originOf tells where the last signal of a number came from. Only process 1 of a PID namespace can tell.
func originOf(number syscall.Signal) origin {
	switch {
	case os.Getpid() != 1:
		return unknown
	case senders[number] == 0:
		return outside
	}
	return inside
}
