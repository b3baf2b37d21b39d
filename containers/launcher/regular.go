package main

import (
	"fmt"
	"io"
	"os"
	"syscall"
)

// readRegular gives at most limit bytes of a regular file. It does not wait for what is none: a script may have put a
// pipe there.
func readRegular(path string, flags int, limit int64) ([]byte, error) {
	file, err := os.OpenFile(path, os.O_RDONLY|syscall.O_NONBLOCK|flags, 0)
	if err != nil {
		return nil, err
	}
	defer file.Close()
	if !isRegular(file) {
		return nil, fmt.Errorf("%s is no regular file", path)
	}
	return io.ReadAll(io.LimitReader(file, limit))
}

func isRegular(file *os.File) bool {
	status, err := file.Stat()
	return err == nil && status.Mode().IsRegular()
}
