package main

import (
	"os"
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

// readMessage gives nothing when there is no file.
func readMessage(path string) ([]byte, error) {
	// a character over the limit, so that one that is cut can be told from one that is bad
	text, err := readRegular(path, 0, messageLimit+utf8.UTFMax)
	if os.IsNotExist(err) {
		return nil, nil
	}
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
