package main

import (
	"encoding/base64"
	"encoding/binary"
	"errors"
	"fmt"
	"hash/crc64"
	"html"
	"io"
	"net/http"
	"net/url"
	"strconv"
	"strings"
	"sync"
	"time"
)

const (
	page      = 1000 // keys: S3's limit
	perFolder = 1000
	header    = "X-Amz-Checksum-Crc64nvme"
)

// CRC64NVME as S3 has it: the reflected polynomial.
var nvme = crc64.MakeTable(0x9A6C9329AC4BC9B5)

// given are objects that exist by their names alone: many-COUNT/FOLDER/NUMBER, tiny ones, and large-SIZE.
type given struct {
	block     []byte
	lock      sync.Mutex
	checksums map[int64]string // of large objects: seconds of work for each
}

func newGiven(block []byte) *given {
	return &given{block: block, checksums: map[int64]string{}}
}

// tiny gives the name and the content of an object of a prefix; some are empty.
func tiny(prefix string, number int) (string, string) {
	content := strconv.Itoa(number)
	if number%10 == 0 {
		content = ""
	}
	return fmt.Sprintf("%s%04d/%07d", prefix, number/perFolder, number), content
}

// count reads how many objects there are below many-COUNT/.
func count(prefix string) (int, error) {
	digits, found := strings.CutPrefix(prefix, "many-")
	digits, whole := strings.CutSuffix(digits, "/")
	if !found || !whole {
		return 0, errors.New("no such prefix")
	}
	return strconv.Atoi(digits)
}

func (g *given) list(w http.ResponseWriter, query url.Values) {
	prefix := query.Get("prefix")
	if size, ok := sizeOf(prefix); ok {
		answer(w, "<ListBucketResult><IsTruncated>false</IsTruncated>"+entry(prefix, size, largeTag(size))+"</ListBucketResult>")
		return
	}
	all, err := count(prefix)
	if err != nil {
		refuse(w, http.StatusNotFound, "NoSuchKey")
		return
	}
	first, _ := strconv.Atoi(query.Get("continuation-token"))
	last := min(first+page, all)
	var document strings.Builder
	document.WriteString("<ListBucketResult>")
	if last < all {
		fmt.Fprintf(&document, "<IsTruncated>true</IsTruncated><NextContinuationToken>%d</NextContinuationToken>", last)
	} else {
		document.WriteString("<IsTruncated>false</IsTruncated>")
	}
	for number := first; number < last; number++ {
		key, content := tiny(prefix, number)
		document.WriteString(entry(key, int64(len(content)), tinyTag(content)))
	}
	document.WriteString("</ListBucketResult>")
	answer(w, document.String())
}

func entry(key string, size int64, tag string) string {
	return fmt.Sprintf("<Contents><Key>%s</Key><LastModified>2026-01-01T00:00:00.000Z</LastModified><ETag>%s</ETag>"+
		"<Size>%d</Size><StorageClass>STANDARD</StorageClass></Contents>", key, html.EscapeString(tag), size)
}

func (g *given) get(w http.ResponseWriter, r *http.Request, key string) {
	if size, ok := sizeOf(key); ok {
		serve(w, r, largeTag(size), g.checksum(size), &repeated{block: g.block, size: size})
		return
	}
	folder, name, _ := strings.Cut(key, "/")
	_, digits, _ := strings.Cut(name, "/")
	all, err := count(folder + "/")
	number, wrong := strconv.Atoi(digits)
	if err != nil || wrong != nil || number >= all {
		refuse(w, http.StatusNotFound, "NoSuchKey")
		return
	}
	_, content := tiny(folder+"/", number)
	serve(w, r, tinyTag(content), encoded(crc64.Checksum([]byte(content), nvme)), strings.NewReader(content))
}

// serve leaves ranges and conditions to net/http.
func serve(w http.ResponseWriter, r *http.Request, tag, checksum string, content io.ReadSeeker) {
	w.Header().Set("ETag", tag)
	w.Header().Set("Content-Type", "application/octet-stream")
	if strings.EqualFold(r.Header.Get("X-Amz-Checksum-Mode"), "ENABLED") && r.Header.Get("Range") == "" {
		w.Header().Set(header, checksum)
	}
	http.ServeContent(w, r, "", time.Time{}, content)
}

func (g *given) checksum(size int64) string {
	g.lock.Lock()
	defer g.lock.Unlock()
	if _, known := g.checksums[size]; !known {
		value := crc64.New(nvme)
		_, _ = io.Copy(value, &repeated{block: g.block, size: size})
		g.checksums[size] = encoded(value.Sum64())
	}
	return g.checksums[size]
}

func sizeOf(key string) (int64, bool) {
	digits, found := strings.CutPrefix(key, "large-")
	size, err := strconv.ParseInt(digits, 10, 64)
	return size, found && err == nil
}

func largeTag(size int64) string { return fmt.Sprintf(`"large-%d"`, size) }

func tinyTag(content string) string { return fmt.Sprintf(`"tiny-%s"`, content) }

func encoded(value uint64) string {
	return base64.StdEncoding.EncodeToString(binary.BigEndian.AppendUint64(nil, value))
}

// repeated reads as a block again and again.
type repeated struct {
	block    []byte
	size, at int64
}

func (r *repeated) Read(into []byte) (int, error) {
	if r.at >= r.size {
		return 0, io.EOF
	}
	begin := r.at % int64(len(r.block))
	n := copy(into, r.block[begin:min(int64(len(r.block)), begin+r.size-r.at)])
	r.at += int64(n)
	return n, nil
}

func (r *repeated) Seek(offset int64, whence int) (int64, error) {
	switch whence {
	case io.SeekCurrent:
		offset += r.at
	case io.SeekEnd:
		offset += r.size
	}
	r.at = offset
	return offset, nil
}
