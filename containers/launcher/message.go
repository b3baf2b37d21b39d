package main

import (
	"os"
	"syscall"
	"unicode/utf8"
)

// messageLimit is how much of the script's message the job's status shows, in bytes.
const messageLimit = 1024

// terminationLog is where the kubelet reads a container's termination message.
type terminationLog struct{ file *os.File }

// openTerminationLog comes before the script, as for all that is written at the end.
func openTerminationLog(path string) terminationLog {
	file, err := os.OpenFile(path, os.O_WRONLY|syscall.O_NONBLOCK|syscall.O_NOFOLLOW, 0)
	if err != nil || !isRegular(file) {
		return terminationLog{}
	}
	return terminationLog{file}
}

func (log terminationLog) write(text []byte) error {
	if log.file == nil {
		return os.ErrNotExist
	}
	if err := log.file.Truncate(0); err != nil {
		return err
	}
	_, err := log.file.WriteAt(firstCharacters(text, messageLimit), 0)
	return err
}

// passMessage makes the script's message the container's termination message.
func passMessage(layout layout, log terminationLog) error {
	// a character over the limit, so that one that is cut can be told from one that is bad
	text, err := readRegular(layout.message, syscall.O_NOFOLLOW, messageLimit+utf8.UTFMax)
	if os.IsNotExist(err) || (err == nil && len(text) == 0) {
		return nil
	}
	if err != nil {
		return err
	}
	return log.write(text)
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
