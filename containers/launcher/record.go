package main

import (
	"encoding/json"
	"os"
	"path/filepath"
	"time"
)

// reason says why the script ended.
type reason string

const (
	exited             reason = "Exited"   // by itself, with any code
	signaled           reason = "Signaled" // by a signal that nobody here sent
	stopRequested      reason = "StopRequested"
	maxRuntimeExceeded reason = "MaxRuntimeExceeded"
	workspaceFull      reason = "WorkspaceFull"
	commandNotFound    reason = "CommandNotFound"
	terminated         reason = "Terminated" // the container was told to end: deletion, drain
)

// record is exit.json.
type record struct {
	Version         int    `json:"version"`
	Code            int    `json:"code"`   // what the container exits with
	Signal          int    `json:"signal"` // 0: none
	Reason          reason `json:"reason"`
	StartedAt       string `json:"startedAt"`
	FinishedAt      string `json:"finishedAt"`
	Milliseconds    int64  `json:"milliseconds"`
	CPUMilliseconds int64  `json:"cpuMilliseconds"`
	PeakMemoryBytes int64  `json:"peakMemoryBytes"`
	OOMKills        int64  `json:"oomKills"`
	Message         string `json:"message"`
}

func timestamp(at time.Time) string {
	return at.UTC().Format("2006-01-02T15:04:05.000000Z")
}

// write puts the record at path whole or not at all, and on the disk before it returns.
func (record record) write(path string) error {
	text, err := json.Marshal(record)
	if err != nil {
		return err
	}
	temporary := path + ".tmp"
	if err := writeSynced(temporary, append(text, '\n')); err != nil {
		return err
	}
	if err := os.Rename(temporary, path); err != nil {
		return err
	}
	directory, err := os.Open(filepath.Dir(path))
	if err != nil {
		return err
	}
	defer directory.Close()
	return directory.Sync()
}

func writeSynced(path string, text []byte) error {
	file, err := os.OpenFile(path, os.O_WRONLY|os.O_CREATE|os.O_TRUNC, 0o644)
	if err != nil {
		return err
	}
	defer file.Close()
	if _, err := file.Write(text); err != nil {
		return err
	}
	return file.Sync()
}
