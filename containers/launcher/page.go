package main

import (
	"encoding/binary"
	"encoding/json"
	"errors"
	"fmt"
	"hash/crc32"
	"os"
	"syscall"
)

const (
	pageSize   = 4096 // bytes of the file, written at once
	pageHeader = 8    // of these, before the JSON: its length and its CRC-32, big endian
)

var errNoPage = errors.New("the file holds no page")

// makePage makes a file of zeros: nothing yet. All the room that it will need is taken now, and it is not opened by its
// name again. One that is there is of a run that did not come to its script.
func makePage(path string) (*os.File, error) {
	if err := os.Remove(path); err != nil && !errors.Is(err, os.ErrNotExist) {
		return nil, err
	}
	file, err := os.OpenFile(path, os.O_WRONLY|os.O_CREATE|os.O_EXCL|syscall.O_NOFOLLOW, 0o644)
	if err != nil {
		return nil, err
	}
	_, err = file.Write(make([]byte, pageSize))
	return file, err
}

// writePage puts a value's JSON into a page's file by one call. Whatever is not whole there counts for nothing.
func writePage(file *os.File, value any) error {
	text, err := json.Marshal(value)
	if err != nil {
		return err
	}
	if len(text) > pageSize-pageHeader {
		return fmt.Errorf("it has %d bytes", len(text))
	}
	page := binary.BigEndian.AppendUint32(nil, uint32(len(text)))
	page = binary.BigEndian.AppendUint32(page, crc32.ChecksumIEEE(text))
	_, err = file.WriteAt(append(page, text...), 0)
	return err
}

// readPage gives a page's JSON, if a whole one is there.
func readPage(path string) ([]byte, error) {
	page, err := readRegular(path, syscall.O_NOFOLLOW, pageSize)
	if err != nil {
		return nil, err
	}
	if len(page) < pageHeader {
		return nil, errNoPage
	}
	length, sum, text := binary.BigEndian.Uint32(page), binary.BigEndian.Uint32(page[4:]), page[pageHeader:]
	if length == 0 || int64(length) > int64(len(text)) || crc32.ChecksumIEEE(text[:length]) != sum {
		return nil, errNoPage
	}
	return text[:length], nil
}
