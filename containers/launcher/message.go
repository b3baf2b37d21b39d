package main

import (
	"fmt"
	"io"
	"os"
	"syscall"
	"unicode/utf8"
)

// messageLimit is how much of the script's message the job's status shows, in bytes.
const messageLimit = 1024

// passMessage copies the script's message to where the kubelet reads a container's termination message.
func passMessage(layout layout) error {
	text, err := readMessage(layout.message)
	if err != nil || len(text) == 0 {
		return err
	}
	log, err := os.OpenFile(layout.terminationLog, os.O_WRONLY|os.O_TRUNC, 0)
	if err != nil {
		return err
	}
	defer log.Close()
	_, err = log.Write(text)
	return err
}

// readMessage gives nothing when there is no file. It does not wait for what is no regular file: a script may have put
// a pipe there.
func readMessage(path string) ([]byte, error) {
	file, err := os.OpenFile(path, os.O_RDONLY|syscall.O_NONBLOCK, 0)
	if os.IsNotExist(err) {
		return nil, nil
	}
	if err != nil {
		return nil, err
	}
	defer file.Close()
	if status, err := file.Stat(); err != nil || !status.Mode().IsRegular() {
		return nil, fmt.Errorf("%s is no regular file", path)
	}
	// a character over the limit, so that one that is cut can be told from one that is bad
	text, err := io.ReadAll(io.LimitReader(file, messageLimit+utf8.UTFMax))
	return firstCharacters(text, messageLimit), err
}

// firstCharacters gives as many whole characters as fit into limit bytes; a byte that is no UTF-8 becomes U+FFFD.
func firstCharacters(text []byte, limit int) []byte {
	var out []byte
	for len(text) > 0 {
		character, size := utf8.DecodeRune(text)
		if len(out)+utf8.RuneLen(character) > limit {
			break
		}
		out = utf8.AppendRune(out, character)
		text = text[size:]
	}
	return out
}
