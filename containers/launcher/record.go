package main

import (
	"os"
	"strings"
	"time"
)

const recordMessage = 512 // bytes of the record's message: with every one of them escaped, the JSON still fits

// reason says why the script ended.
type reason string

const (
	exited             reason = "Exited"   // by itself, with any code
	signaled           reason = "Signaled" // by a signal that nobody here sent
	stopRequested      reason = "StopRequested"
	maxRuntimeExceeded reason = "MaxRuntimeExceeded"
	workspaceFull      reason = "WorkspaceFull"
	commandNotFound    reason = "CommandNotFound"
	terminated         reason = "Terminated"   // the container was told to end: deletion, drain
	selfSignaled       reason = "SelfSignaled" // the script sent process 1 a signal that ends the container
	hindered           reason = "Hindered"     // the script took from process 1 what that needs for its work
)

// record says how the script ended.
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
	BootID          string `json:"bootId"` // of the machine, while the script ran; empty: not known
	Message         string `json:"message"`
}

// notes say what happens while the script runs.
type notes struct {
	Version  int   `json:"version"`
	OOMKills int64 `json:"oomKills"`
}

func timestamp(at time.Time) string {
	return at.UTC().Format("2006-01-02T15:04:05.000000Z")
}

// bootID names the running boot of the machine; empty where the kernel does not say.
func bootID(path string) string {
	text, _ := os.ReadFile(path)
	return strings.TrimSpace(string(text))
}

// write has the record on the disk before it returns.
func (record record) write(file *os.File) error {
	record.Message = string(firstCharacters([]byte(record.Message), recordMessage))
	if err := writePage(file, record); err != nil {
		return err
	}
	return file.Sync()
}
