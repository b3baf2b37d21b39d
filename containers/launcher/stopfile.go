package main

import (
	"encoding/json"
	"os"
	"path/filepath"
	"syscall"
	"time"
	"unicode/utf8"
)

const (
	signalLimit = 1 << 20         // bytes; the API server allows a quarter of it in all annotations
	lookAnyway  = 5 * time.Second // also without an event: one look may have failed
)

// stopAsked reads the signal file; a file that is not there asks for nothing.
func stopAsked(directory string) bool {
	text, err := readRegular(filepath.Join(directory, "signal"), 0, signalLimit) // a link: the kubelet's
	return err == nil && asksToStop(text)
}

// asksToStop tells whether a signal's member `stop` is a string that is not empty. What cannot be read asks for nothing.
// A map, since a struct would take STOP for stop.
func asksToStop(signal []byte) bool {
	var members map[string]json.RawMessage
	var stop string
	return utf8.Valid(signal) && json.Unmarshal(signal, &members) == nil &&
		json.Unmarshal(members["stop"], &stop) == nil && stop != ""
}

// watchStop sends once, when the signal file asks for a stop. It watches the directory: the kubelet never writes the file, it
// swaps the symlink ..data beside it. Where inotify is not to be had (its instances are limited by user, not by
// container) the file is read every second.
func watchStop(directory string, stop chan<- struct{}) {
	changes, err := watchDirectory(directory)
	for !stopAsked(directory) {
		if err != nil || changes.SetReadDeadline(time.Now().Add(lookAnyway)) != nil {
			time.Sleep(time.Second)
		} else if _, lost := changes.Read(make([]byte, 4096)); lost != nil && !os.IsTimeout(lost) {
			err = lost
		}
	}
	stop <- struct{}{}
}

func watchDirectory(directory string) (*os.File, error) {
	descriptor, err := syscall.InotifyInit1(syscall.IN_CLOEXEC | syscall.IN_NONBLOCK)
	if err != nil {
		return nil, err
	}
	changes := os.NewFile(uintptr(descriptor), "inotify") // non-blocking: a reader costs no thread
	mask := uint32(syscall.IN_CREATE | syscall.IN_MOVED_TO | syscall.IN_CLOSE_WRITE)
	if _, err := syscall.InotifyAddWatch(descriptor, directory, mask); err != nil {
		changes.Close()
		return nil, err
	}
	return changes, nil
}
