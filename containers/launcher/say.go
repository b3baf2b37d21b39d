package main

import (
	"fmt"
	"sync/atomic"
	"syscall"
	"time"
)

const (
	mostWords = 64                     // that wait to be written; more are dropped
	lastWords = 200 * time.Millisecond // given to them at the end
)

// words go to the container's log by a goroutine of their own: whatever the script has made of our standard error (it
// shares it: a pipe that nobody reads, a full disk, a descriptor that does not block), nobody waits for it.
type words struct {
	queue   chan string
	waiting atomic.Int64
}

var log = newWords(2)

func newWords(descriptor int) *words {
	words := &words{queue: make(chan string, mostWords)}
	go func() {
		for text := range words.queue {
			write(descriptor, text)
			words.waiting.Add(-1)
		}
	}()
	return words
}

func (words *words) add(text string) {
	words.waiting.Add(1)
	select {
	case words.queue <- text:
	default:
		words.waiting.Add(-1)
	}
}

// flush gives what is waiting a last moment.
func (words *words) flush() {
	for deadline := time.Now().Add(lastWords); words.waiting.Load() > 0 && time.Now().Before(deadline); {
		time.Sleep(time.Millisecond)
	}
}

// write tries again for a second where the descriptor does not block; then the text is lost.
func write(descriptor int, text string) {
	for deadline := time.Now().Add(time.Second); time.Now().Before(deadline); {
		_, err := syscall.Write(descriptor, []byte(text))
		switch err {
		case syscall.EAGAIN:
			time.Sleep(10 * time.Millisecond)
		case syscall.EINTR:
		default:
			return
		}
	}
}

// say tells people, in the container's log, what the launcher does to their script.
func say(format string, values ...any) {
	log.add(fmt.Sprintf("launcher: "+format+"\n", values...))
}
