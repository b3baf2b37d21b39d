// The command delay passes TCP connections on and holds back what comes back: delay LISTEN TARGET MILLISECONDS.
//
// Bytes of a reply leave a fixed time after they arrived, so that the rate stays what it was. It knows nothing of
// HTTP or TLS.
package main

import (
	"io"
	"log"
	"net"
	"os"
	"strconv"
	"time"
)

// A connection holds at most slots*size bytes back; then the server waits.
const (
	slots = 64
	size  = 128 << 10
)

type piece struct {
	data []byte
	due  time.Time
}

func main() {
	if len(os.Args) != 4 {
		log.Fatal("usage: delay LISTEN TARGET MILLISECONDS")
	}
	milliseconds, err := strconv.Atoi(os.Args[3])
	if err != nil {
		log.Fatal(err)
	}
	listener, err := net.Listen("tcp", os.Args[1])
	if err != nil {
		log.Fatal(err)
	}
	for {
		client, err := listener.Accept()
		if err != nil {
			log.Fatal(err)
		}
		go serve(client.(*net.TCPConn), os.Args[2], time.Duration(milliseconds)*time.Millisecond)
	}
}

// serve lives as long as the client's connection. The way there is left to the kernel (splice).
func serve(client *net.TCPConn, target string, delay time.Duration) {
	defer client.Close()
	found, err := net.Dial("tcp", target)
	if err != nil {
		return
	}
	server := found.(*net.TCPConn)
	defer server.Close()
	go func() {
		_, _ = io.Copy(server, client)
		_ = server.CloseWrite()
	}()
	back(client, server, delay)
}

func back(client io.Writer, server io.Reader, delay time.Duration) {
	held := make(chan piece, slots)
	go func() {
		defer close(held)
		for {
			data := make([]byte, size)
			n, err := server.Read(data)
			if n > 0 {
				held <- piece{data[:n], time.Now().Add(delay)}
			}
			if err != nil {
				return
			}
		}
	}()
	for next := range held {
		time.Sleep(time.Until(next.due))
		if _, err := client.Write(next.data); err != nil {
			break
		}
	}
	// after a failed write the reader may be waiting for room
	go func() {
		for range held {
		}
	}()
}
