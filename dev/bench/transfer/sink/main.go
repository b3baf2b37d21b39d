// The command sink takes uploads and forgets them: sink HTTP HTTPS CERTIFICATE KEY, two addresses and two files.
//
// It answers as S3 does once it has had the whole body, which nginx, told to return a status, does not wait for. How
// many bytes of bodies it has had since it was last asked is what GET /taken says.
package main

import (
	"fmt"
	"io"
	"log"
	"net/http"
	"os"
	"runtime"
	"sync"
	"sync/atomic"
)

const (
	head  = `<?xml version="1.0" encoding="UTF-8"?>` + "\n"
	space = ` xmlns="http://s3.amazonaws.com/doc/2006-03-01/"`
	list  = head + `<ListBucketResult` + space + `><Name>sink</Name><KeyCount>0</KeyCount><MaxKeys>1000</MaxKeys>` +
		`<IsTruncated>false</IsTruncated></ListBucketResult>`
	begun = head + `<InitiateMultipartUploadResult` + space + `><Bucket>sink</Bucket><Key>x</Key>` +
		`<UploadId>upload1</UploadId></InitiateMultipartUploadResult>`
	completed = head + `<CompleteMultipartUploadResult` + space + `><Location>x</Location><Bucket>sink</Bucket>` +
		`<Key>x</Key><ETag>&quot;d41d8cd98f00b204e9800998ecf8427e-1&quot;</ETag></CompleteMultipartUploadResult>`
	etag = `"d41d8cd98f00b204e9800998ecf8427e"`
)

var (
	taken   atomic.Int64
	buffers = sync.Pool{New: func() any { return new([256 << 10]byte) }}
)

func main() {
	if len(os.Args) != 5 {
		log.Fatal("usage: sink HTTP HTTPS CERTIFICATE KEY")
	}
	runtime.GOMAXPROCS(1) // the machine's other cores are the clients'
	handler := http.HandlerFunc(serve)
	go func() { log.Fatal(http.ListenAndServe(os.Args[1], handler)) }()
	// HTTP/1.1 alone, as S3 has it
	server := &http.Server{Addr: os.Args[2], Handler: handler, Protocols: new(http.Protocols)}
	server.Protocols.SetHTTP1(true)
	log.Fatal(server.ListenAndServeTLS(os.Args[3], os.Args[4]))
}

func serve(w http.ResponseWriter, r *http.Request) {
	if err := take(r.Body); err != nil {
		return // the client has gone
	}
	query := r.URL.Query()
	switch {
	case r.URL.Path == "/taken":
		fmt.Fprint(w, taken.Swap(0))
	case r.Method == http.MethodHead:
		w.WriteHeader(http.StatusNotFound)
	case r.Method == http.MethodGet:
		xml(w, list)
	case r.Method == http.MethodPost && query.Has("uploads"):
		xml(w, begun)
	case r.Method == http.MethodPost:
		xml(w, completed)
	default:
		w.Header().Set("ETag", etag)
	}
}

func xml(w http.ResponseWriter, text string) {
	w.Header().Set("Content-Type", "application/xml")
	_, _ = io.WriteString(w, text)
}

func take(body io.Reader) error {
	buffer := buffers.Get().(*[256 << 10]byte)
	defer buffers.Put(buffer)
	for {
		n, err := body.Read(buffer[:])
		taken.Add(int64(n))
		if err == io.EOF {
			return nil
		}
		if err != nil {
			return err
		}
	}
}
