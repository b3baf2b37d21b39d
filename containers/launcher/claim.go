package main

import (
	"encoding/json"
	"errors"
	"fmt"
	"os"
	"path/filepath"
	"syscall"
	"time"
)

// exitLost is the code of a run that left no record: it was killed, 128 + SIGKILL.
const exitLost = 137

// errStartedBefore means that the script was started by an earlier run of this container: it must not run twice.
var errStartedBefore = errors.New("the script was started before")

// claim is what a run holds until its end: closing the lock would free it, and opening a page by its name once the
// script has run might find whatever that put there. All are close-on-exec, as all that Go opens.
type claim struct{ lock, record, notes *os.File }

// claimRun takes the lock, makes the pages and then `started`, in this order: whoever sees `started` and gets
// the lock knows that the launcher is gone. The kernel frees the lock however the launcher dies.
func claimRun(layout layout) (*claim, error) {
	lock, err := takeLock(layout, 10*time.Second)
	if err != nil {
		return nil, err
	}
	if startedBefore(layout) { // by a run that is over, since the lock is ours: its record stays
		return nil, errStartedBefore
	}
	record, err := makePage(layout.record)
	if err != nil {
		return nil, err
	}
	notes, err := makePage(layout.notes)
	if err != nil {
		return nil, err
	}
	return &claim{lock, record, notes}, makeStarted(layout.started)
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

// makeStarted has the mark, and the names of both files, on the disk before the script runs: a machine that loses its
// power must not run it again.
func makeStarted(path string) error {
	started, err := os.OpenFile(path, os.O_WRONLY|os.O_CREATE|os.O_EXCL, 0o644)
	if errors.Is(err, os.ErrExist) {
		return errStartedBefore
	}
	if err != nil {
		return err
	}
	defer started.Close()
	if err := putOnDisk(started, timestamp(time.Now())+"\n"); err != nil {
		os.Remove(path) // the script is not run, and the uploader must not think that it was
		return err
	}
	return nil
}

func putOnDisk(file *os.File, text string) error {
	if _, err := file.WriteString(text); err != nil {
		return err
	}
	if err := file.Sync(); err != nil {
		return err
	}
	directory, err := os.Open(filepath.Dir(file.Name()))
	if err != nil {
		return err
	}
	defer directory.Close()
	return directory.Sync()
}

// recordedCode is the exit code of the earlier run, or exitLost when it left no record that can be read.
func recordedCode(path string) int {
	var earlier struct {
		Code *int `json:"code"`
	}
	text, err := readPage(path)
	if err != nil || json.Unmarshal(text, &earlier) != nil || earlier.Code == nil || *earlier.Code < 0 || *earlier.Code > 255 {
		return exitLost
	}
	return *earlier.Code
}
