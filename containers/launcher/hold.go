package main

import (
	"runtime"
	"sync"
	"syscall"
	"unsafe"
)

const (
	setDumpable = 4 // PR_SET_DUMPABLE
	processors  = 2 // one to supervise, one to measure
	threads     = 8 // more than ever wait in system calls at once
	resources   = 16
)

// shield keeps the script, which has our uid, from tracing us and from our descriptors. What is executed by a child of
// ours can be traced again.
func shield() {
	syscall.RawSyscall(syscall.SYS_PRCTL, setDumpable, 0, 0)
}

// makeThreads makes the threads that Go will need: it crashes where it gets none, and a script may use up all that its
// user or its container may have. Go keeps those that have nothing to do.
func makeThreads() {
	runtime.GOMAXPROCS(processors)
	var all, done sync.WaitGroup
	all.Add(threads)
	done.Add(threads)
	for range threads {
		go func() {
			defer done.Done()
			runtime.LockOSThread()
			defer runtime.UnlockOSThread()
			all.Done()
			all.Wait()
		}()
	}
	done.Wait()
}

// resourceLimits are a process's; any process of its user can lower them (prlimit).
type resourceLimits [resources]syscall.Rlimit

func readLimits() (limits resourceLimits) {
	for resource := range limits {
		changeLimit(resource, nil, &limits[resource])
	}
	return limits
}

// taken names a limit that was lowered and cannot be raised again; what can be is.
func (before resourceLimits) taken() string {
	for resource, now := range readLimits() {
		was := before[resource]
		if (now.Cur < was.Cur || now.Max < was.Max) && changeLimit(resource, &was, nil) != 0 {
			return resourceName(resource)
		}
	}
	return ""
}

func changeLimit(resource int, now, before *syscall.Rlimit) syscall.Errno {
	_, _, err := syscall.RawSyscall6(syscall.SYS_PRLIMIT64, 0, uintptr(resource), uintptr(unsafe.Pointer(now)),
		uintptr(unsafe.Pointer(before)), 0, 0)
	return err
}

func resourceName(resource int) string {
	return [resources]string{
		"RLIMIT_CPU", "RLIMIT_FSIZE", "RLIMIT_DATA", "RLIMIT_STACK", "RLIMIT_CORE", "RLIMIT_RSS", "RLIMIT_NPROC",
		"RLIMIT_NOFILE", "RLIMIT_MEMLOCK", "RLIMIT_AS", "RLIMIT_LOCKS", "RLIMIT_SIGPENDING", "RLIMIT_MSGQUEUE",
		"RLIMIT_NICE", "RLIMIT_RTPRIO", "RLIMIT_RTTIME",
	}[resource]
}
