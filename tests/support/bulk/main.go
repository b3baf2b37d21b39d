// The command bulk is a store for transfers too large to be kept: bulk BLOCK.
//
// What it gives is made when it is asked for, what it takes is compared with its checksum and forgotten; only sizes and
// checksums are kept. Signatures are not looked at: other tests have real stores for that. BLOCK is a file of bytes that
// large objects repeat. It prints its address and serves until its standard input ends.
package main

import (
	"fmt"
	"io"
	"log"
	"net"
	"net/http"
	"os"
	"strings"
)

func main() {
	if len(os.Args) != 2 {
		log.Fatal("usage: bulk BLOCK")
	}
	block, err := os.ReadFile(os.Args[1])
	if err != nil {
		log.Fatal(err)
	}
	listener, err := net.Listen("tcp", "127.0.0.1:0")
	if err != nil {
		log.Fatal(err)
	}
	fmt.Println(listener.Addr())
	go func() {
		_, _ = io.Copy(io.Discard, os.Stdin)
		os.Exit(0)
	}()
	log.Fatal(http.Serve(listener, &store{given: newGiven(block), taken: newTaken()}))
}

type store struct {
	given *given
	taken *taken
}

// ServeHTTP sorts requests by S3's operations; the path is /BUCKET/KEY, and /-/taken is the test's own question.
func (s *store) ServeHTTP(w http.ResponseWriter, r *http.Request) {
	_, key, _ := strings.Cut(strings.TrimPrefix(r.URL.Path, "/"), "/")
	query := r.URL.Query()
	switch {
	case r.URL.Path == "/-/taken":
		s.taken.report(w)
	case r.Method == http.MethodGet && query.Has("list-type"):
		s.given.list(w, query)
	case r.Method == http.MethodGet && query.Has("uploads"):
		answer(w, "<ListMultipartUploadsResult><IsTruncated>false</IsTruncated></ListMultipartUploadsResult>")
	case (r.Method == http.MethodGet || r.Method == http.MethodHead) && !query.Has("uploadId"):
		s.given.get(w, r, key)
	case r.Method == http.MethodPut && query.Has("uploadId"):
		s.taken.part(w, r, query)
	case r.Method == http.MethodPut:
		s.taken.put(w, r, key)
	case r.Method == http.MethodPost && query.Has("uploads"):
		s.taken.create(w, key)
	case r.Method == http.MethodPost && query.Has("uploadId"):
		s.taken.complete(w, r, query.Get("uploadId"))
	case r.Method == http.MethodDelete && query.Has("uploadId"):
		s.taken.abort(w, query.Get("uploadId"))
	default:
		refuse(w, http.StatusNotImplemented, "NotImplemented")
	}
}

func answer(w http.ResponseWriter, document string) {
	w.Header().Set("Content-Type", "application/xml")
	_, _ = io.WriteString(w, document)
}

func refuse(w http.ResponseWriter, status int, code string) {
	w.Header().Set("Content-Type", "application/xml")
	w.WriteHeader(status)
	_, _ = fmt.Fprintf(w, "<Error><Code>%s</Code><Message>%s</Message></Error>", code, code)
}
