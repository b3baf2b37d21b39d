package main

import (
	"encoding/binary"
	"encoding/json"
	"errors"
	"fmt"
	"hash/crc32"
	"os"
	"strings"
	"syscall"
	"time"
)

const (
	recordSize    = 4096 // bytes of the file, written at once
	recordHeader  = 8    // of these, before the JSON: its length and its CRC-32, big endian
	recordMessage = 512  // bytes of the record's message: with every one of them escaped, the JSON still fits
)

var errNoRecord = errors.New("the file holds no record")

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

func timestamp(at time.Time) string {
	return at.UTC().Format("2006-01-02T15:04:05.000000Z")
}

// bootID names the running boot of the machine; empty where the kernel does not say.
func bootID(path string) string {
	text, _ := os.ReadFile(path)
	return strings.TrimSpace(string(text))
}

// makeRecord makes the record's file, of zeros: no record yet. One that is there is of a run that did not come to its
// script.
func makeRecord(path string) (*os.File, error) {
	if err := os.Remove(path); err != nil && !errors.Is(err, os.ErrNotExist) {
		return nil, err
	}
	file, err := os.OpenFile(path, os.O_WRONLY|os.O_CREATE|os.O_EXCL|syscall.O_NOFOLLOW, 0o644)
	if err != nil {
		return nil, err
	}
	_, err = file.Write(make([]byte, recordSize))
	return file, err
}

// write puts the record into its file by one call, and on the disk before it returns. Whatever is not whole there is no
// record.
func (record record) write(file *os.File) error {
	record.Message = string(firstCharacters([]byte(record.Message), recordMessage))
	text, err := json.Marshal(record)
	if err != nil {
		return err
	}
	if len(text) > recordSize-recordHeader {
		return fmt.Errorf("it has %d bytes", len(text))
	}
	page := binary.BigEndian.AppendUint32(nil, uint32(len(text)))
	page = binary.BigEndian.AppendUint32(page, crc32.ChecksumIEEE(text))
	if _, err := file.WriteAt(append(page, text...), 0); err != nil {
		return err
	}
	return file.Sync()
}

// readRecord gives the record's JSON, if a whole one is there.
func readRecord(path string) ([]byte, error) {
	page, err := readRegular(path, syscall.O_NOFOLLOW, recordSize)
	if err != nil {
		return nil, err
	}
	if len(page) < recordHeader {
		return nil, errNoRecord
	}
	length, sum, text := binary.BigEndian.Uint32(page), binary.BigEndian.Uint32(page[4:]), page[recordHeader:]
	if length == 0 || int64(length) > int64(len(text)) || crc32.ChecksumIEEE(text[:length]) != sum {
		return nil, errNoRecord
	}
	return text[:length], nil
}
