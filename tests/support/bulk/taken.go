package main

import (
	"encoding/json"
	"encoding/xml"
	"fmt"
	"hash/crc64"
	"html"
	"io"
	"net/http"
	"net/url"
	"strconv"
	"strings"
	"sync"
)

const least = 5 << 20 // bytes of every part but the last: S3's limit

// piece is what is kept of a body.
type piece struct {
	Size int64  `json:"size"`
	Crc  string `json:"crc"`
}

// object is what is kept of one that was taken: of the whole as its sender says, of each part as it came.
type object struct {
	Key   string  `json:"key"`
	Parts []piece `json:"parts,omitempty"`
	piece
}

type upload struct {
	key   string
	parts map[int]piece
}

type taken struct {
	lock    sync.Mutex
	objects map[string]object
	open    map[string]upload
	begun   int
	again   int // objects and parts that came a second time
}

func newTaken() *taken {
	return &taken{objects: map[string]object{}, open: map[string]upload{}}
}

// report tells what was taken since the last report, and forgets it.
func (t *taken) report(w http.ResponseWriter) {
	t.lock.Lock()
	defer t.lock.Unlock()
	objects := make([]object, 0, len(t.objects))
	for _, found := range t.objects {
		objects = append(objects, found)
	}
	_ = json.NewEncoder(w).Encode(map[string]any{"objects": objects, "open": len(t.open), "again": t.again})
	t.objects, t.again = map[string]object{}, 0
}

// read takes a body whose checksum, which must be given, is right.
func read(w http.ResponseWriter, r *http.Request) (piece, bool) {
	value := crc64.New(nvme)
	size, err := io.CopyBuffer(value, r.Body, make([]byte, 256<<10))
	found := piece{size, encoded(value.Sum64())}
	if err != nil || size != r.ContentLength {
		refuse(w, http.StatusBadRequest, "IncompleteBody")
		return found, false
	}
	if given := r.Header.Get(header); given != found.Crc {
		refuse(w, http.StatusBadRequest, "BadDigest")
		return found, false
	}
	w.Header().Set("ETag", strconv.Quote(found.Crc))
	w.Header().Set(header, found.Crc)
	return found, true
}

func (t *taken) put(w http.ResponseWriter, r *http.Request, key string) {
	if found, ok := read(w, r); ok {
		t.lock.Lock()
		defer t.lock.Unlock()
		t.keep(object{Key: key, piece: found})
	}
}

func (t *taken) keep(found object) {
	if _, known := t.objects[found.Key]; known {
		t.again++
	}
	t.objects[found.Key] = found
}

func (t *taken) create(w http.ResponseWriter, key string) {
	t.lock.Lock()
	defer t.lock.Unlock()
	t.begun++
	id := fmt.Sprintf("upload-%d", t.begun)
	t.open[id] = upload{key, map[int]piece{}}
	answer(w, "<InitiateMultipartUploadResult><UploadId>"+id+"</UploadId></InitiateMultipartUploadResult>")
}

func (t *taken) part(w http.ResponseWriter, r *http.Request, query url.Values) {
	number, err := strconv.Atoi(query.Get("partNumber"))
	t.lock.Lock()
	chosen, known := t.open[query.Get("uploadId")]
	t.lock.Unlock()
	if err != nil || !known {
		refuse(w, http.StatusNotFound, "NoSuchUpload")
		return
	}
	if found, ok := read(w, r); ok {
		t.lock.Lock()
		defer t.lock.Unlock()
		if _, twice := chosen.parts[number]; twice {
			t.again++
		}
		chosen.parts[number] = found
	}
}

func (t *taken) complete(w http.ResponseWriter, r *http.Request, id string) {
	var asked struct {
		Part []struct {
			PartNumber              int
			ETag, ChecksumCRC64NVME string
		}
	}
	if err := xml.NewDecoder(r.Body).Decode(&asked); err != nil {
		refuse(w, http.StatusBadRequest, "MalformedXML")
		return
	}
	t.lock.Lock()
	defer t.lock.Unlock()
	chosen, known := t.open[id]
	if !known {
		refuse(w, http.StatusNotFound, "NoSuchUpload")
		return
	}
	whole := object{Key: chosen.key, piece: piece{Crc: r.Header.Get(header)}}
	for index, part := range asked.Part {
		found, there := chosen.parts[part.PartNumber]
		isRight := there && part.PartNumber == index+1 && strings.Trim(part.ETag, `"`) == found.Crc && part.ChecksumCRC64NVME == found.Crc
		if !isRight || (found.Size < least && index+1 < len(asked.Part)) {
			refuse(w, http.StatusBadRequest, "InvalidPart")
			return
		}
		whole.Size += found.Size
		whole.Parts = append(whole.Parts, found)
	}
	delete(t.open, id)
	t.keep(whole)
	answer(w, "<CompleteMultipartUploadResult><Key>"+html.EscapeString(chosen.key)+"</Key></CompleteMultipartUploadResult>")
}

func (t *taken) abort(w http.ResponseWriter, id string) {
	t.lock.Lock()
	defer t.lock.Unlock()
	delete(t.open, id)
	w.WriteHeader(http.StatusNoContent)
}
