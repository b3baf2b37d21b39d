package main

import (
	"encoding/json"
	"errors"
	"fmt"
	"os"
	"syscall"
	"time"
)

// exitLost is the code of a run that left no record: it was killed, 128 + SIGKILL.
const exitLost = 137

// errStartedBefore means that the script was started by an earlier run of this container: it must not run twice.
var errStartedBefore = errors.New("the script was started before")

// claimRun takes the lock and then makes `started`, in this order: whoever sees `started` and gets the lock knows that
// the launcher is gone. The kernel frees the lock however the launcher dies. The file is close-on-exec, as all that Go
// opens, so that no child keeps the lock. The caller keeps the file: closing it would free the lock.
func claimRun(layout layout) (*os.File, error) {
	lock, err := takeLock(layout, 10*time.Second)
	if err != nil {
		return nil, err
	}
	if err := makeStarted(layout.started); err != nil {
		lock.Close()
		return nil, err
	}
	return lock, nil
}

// takeLock does not block in flock: after an earlier run the uploader may hold a shared lock for as long as it uploads,
// and the answer "started before" needs no lock.
func takeLock(layout layout, patience time.Duration) (*os.File, error) {
	lock, err := os.OpenFile(layout.lock, os.O_RDWR|os.O_CREATE, 0o644)
	if err != nil {
		return nil, err
	}
	for deadline := time.Now().Add(patience); ; time.Sleep(20 * time.Millisecond) {
		switch err := syscall.Flock(int(lock.Fd()), syscall.LOCK_EX|syscall.LOCK_NB); {
		case err == nil:
			return lock, nil
		case err == syscall.EINTR:
			continue
		case err != syscall.EWOULDBLOCK:
			lock.Close()
			return nil, fmt.Errorf("flock %s: %w", layout.lock, err)
		}
		if startedBefore(layout) {
			lock.Close()
			return nil, errStartedBefore
		}
		if time.Now().After(deadline) {
			lock.Close()
			return nil, fmt.Errorf("%s is locked by somebody else", layout.lock)
		}
	}
}

func startedBefore(layout layout) bool {
	_, err := os.Lstat(layout.started)
	return err == nil
}

func makeStarted(path string) error {
	started, err := os.OpenFile(path, os.O_WRONLY|os.O_CREATE|os.O_EXCL, 0o644)
	if errors.Is(err, os.ErrExist) {
		return errStartedBefore
	}
	if err != nil {
		return err
	}
	if _, err := started.WriteString(timestamp(time.Now()) + "\n"); err != nil {
		started.Close()
		return err
	}
	return started.Close()
}

// recordedCode is the exit code of the earlier run, or exitLost when it left no record that can be read.
func recordedCode(path string) int {
	text, err := os.ReadFile(path)
	if err != nil {
		return exitLost
	}
	var earlier struct {
		Code *int `json:"code"`
	}
	if json.Unmarshal(text, &earlier) != nil || earlier.Code == nil || *earlier.Code < 0 || *earlier.Code > 255 {
		return exitLost
	}
	return *earlier.Code
}
