package main

import (
	"os"
	"syscall"
	"time"
)

const setChildSubreaper = 36 // PR_SET_CHILD_SUBREAPER

// family is the script's process group and all the orphans that become ours. One goroutine alone signals and reaps, so
// a pid cannot be reaped, and taken by another process, between a look and a signal.
type family struct {
	main    int // pid of the script's main process, and its group
	status  syscall.WaitStatus
	ended   bool // the main process is reaped
	cpu     time.Duration
	maxRSS  int64 // of the largest process, in bytes
	orphans int
}

// adoptOrphans makes orphans ours also where we are not PID 1 (tests).
func adoptOrphans() {
	syscall.RawSyscall(syscall.SYS_PRCTL, setChildSubreaper, 1, 0)
}

// signal reaches the whole group, and the main process if it has left the group.
func (family *family) signal(signal syscall.Signal) {
	syscall.Kill(-family.main, signal)
	if group, err := syscall.Getpgid(family.main); !family.ended && err == nil && group != family.main {
		syscall.Kill(family.main, signal)
	}
}

// reap takes every child that has ended; false: no child is left.
func (family *family) reap() bool {
	for {
		var status syscall.WaitStatus
		var used syscall.Rusage
		pid, err := syscall.Wait4(-1, &status, syscall.WNOHANG, &used)
		switch {
		case err == syscall.EINTR:
			continue
		case err != nil:
			return false
		case pid == 0:
			return true
		}
		family.count(&used)
		if pid == family.main {
			family.status, family.ended = status, true
		} else {
			family.orphans++
		}
	}
}

func (family *family) count(used *syscall.Rusage) {
	family.cpu += time.Duration(used.Utime.Nano() + used.Stime.Nano())
	family.maxRSS = max(family.maxRSS, used.Maxrss*1024)
}

// endLeftovers kills what the script left running: the container ends with its main process, as everywhere in
// Kubernetes. The kernel would kill them too, but only after it has freed our lock: the uploader would read files that
// are still written.
func (family *family) endLeftovers(patience time.Duration) {
	for deadline := time.Now().Add(patience); time.Now().Before(deadline); time.Sleep(2 * time.Millisecond) {
		inGroup := syscall.Kill(-family.main, syscall.SIGKILL) == nil
		if os.Getpid() == 1 {
			syscall.Kill(-1, syscall.SIGKILL)
		}
		anyChild := family.reap()
		if !anyChild || (!inGroup && os.Getpid() != 1) {
			return
		}
	}
	say("processes of the script are still there %s after SIGKILL", patience)
}

// outcome gives the container's exit code and the signal, 0 for none.
func (family *family) outcome() (code, signal int) {
	if family.status.Signaled() {
		signal = int(family.status.Signal())
		return 128 + signal, signal
	}
	return family.status.ExitStatus(), 0
}
