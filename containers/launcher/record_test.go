package main

import (
	"encoding/binary"
	"encoding/json"
	"hash/crc32"
	"os"
	"path/filepath"
	"strings"
	"testing"
	"time"
)

// page is a record's file with a JSON text in it, whatever that is.
func page(text string) []byte {
	page := make([]byte, pageHeader, pageSize)
	binary.BigEndian.PutUint32(page, uint32(len(text)))
	binary.BigEndian.PutUint32(page[4:], crc32.ChecksumIEEE([]byte(text)))
	page = append(page, text...)
	return append(page, make([]byte, max(0, pageSize-len(page)))...)
}

func TestRecordedCode(test *testing.T) {
	const good = `{"version":1,"code":3}`
	changed := func(at int, value byte) []byte {
		content := page(good)
		content[at] = value
		return content
	}
	for name, row := range map[string]struct {
		content []byte
		code    int
	}{
		"a record":              {page(good), 3},
		"success":               {page(`{"code":0}`), 0},
		"nothing after it":      {page(good)[:pageHeader+len(good)], 3},
		"something after it":    {append(page(good), "more"...), 3},
		"zeros":                 {make([]byte, pageSize), 137},
		"empty":                 {nil, 137},
		"less than a header":    {page(good)[:7], 137},
		"torn":                  {page(good)[:20], 137},
		"another byte":          {changed(20, '4'), 137},
		"another checksum":      {changed(5, 0), 137},
		"a length too short":    {changed(3, 5), 137},
		"a length too long":     {changed(0, 0xff), 137},
		"longer than the file":  {page(`{"code":3,"message":"` + strings.Repeat("x", pageSize) + `"}`), 137},
		"JSON alone":            {[]byte(good), 137},
		"no JSON":               {page(`{"code":`), 137},
		"no text":               {page(""), 137},
		"no code":               {page(`{"version":1}`), 137},
		"impossible code":       {page(`{"code":256}`), 137},
		"negative code":         {page(`{"code":-1}`), 137},
		"code is a string":      {page(`{"code":"0"}`), 137},
		"code is a fraction":    {page(`{"code":0.5}`), 137},
		"code is endless":       {page(`{"code":1e400}`), 137},
		"code is long":          {page(`{"code":` + strings.Repeat("1", 4000) + `}`), 137},
		"an array":              {page(`[3]`), 137},
		"nested brackets":       {page(strings.Repeat("[", 2000)), 137},
		"half a surrogate pair": {page(`"\ud800"`), 137},
	} {
		test.Run(name, func(test *testing.T) {
			path := filepath.Join(test.TempDir(), "record")
			must(test, os.WriteFile(path, row.content, 0o644))
			if code := recordedCode(path); code != row.code {
				test.Errorf("exit code %d, want %d", code, row.code)
			}
		})
	}
}

// What a script leaves in the record's place harms neither its launcher, nor the next run, nor another file.
func TestSpoiltRecord(test *testing.T) {
	for name, script := range map[string]string{
		"removed":   "rm $R",
		"a pipe":    "rm $R; mkfifo $R",
		"a link":    "ln -sf $V $R",
		"directory": "rm $R; mkdir $R",
		"dangling":  "rm $R; ln -s nowhere $R",
	} {
		test.Run(name, func(test *testing.T) {
			bench := newBench(test)
			victim := filepath.Join(bench.layout.root, "victim")
			must(test, os.WriteFile(victim, page(`{"code":0}`), 0o644))
			run := bench.shell("R=" + bench.layout.record + "; V=" + victim + "; " + script + "; exit 3")
			if code := run.wait(); code != 3 {
				test.Errorf("exit code %d: %s", code, &run.stderr)
			}
			if code := bench.shell("exit 0").wait(); code != exitLost {
				test.Errorf("second run: exit code %d", code)
			}
			if text, err := os.ReadFile(victim); err != nil || string(text) != string(page(`{"code":0}`)) {
				test.Errorf("%q, %v", text, err)
			}
		})
	}
}

func TestRecordIsMadeBeforeTheScript(test *testing.T) {
	bench := newBench(test)
	must(test, os.WriteFile(bench.layout.record, page(`{"code":0}`), 0o644)) // of a run that ended before `started`
	run := bench.shell("cmp -n 4096 " + bench.layout.record + " /dev/zero && wc -c <" + bench.layout.record + "; ls -l /proc/self/fd | grep -c /processing/control/")
	run.wait()
	if got := strings.Fields(run.stdout.String()); len(got) != 2 || got[0] != "4096" || got[1] != "0" { // the script has no descriptor of ours
		test.Errorf("stdout %q: %s", got, &run.stderr)
	}
	if status, err := os.Stat(bench.layout.record); err != nil || status.Size() != pageSize || status.Mode() != 0o644 {
		test.Errorf("%v, %v", status, err)
	}
}

func TestRecordFits(test *testing.T) {
	for name, row := range map[string]struct{ message, want string }{
		"short":        {"done", "done"},
		"long":         {strings.Repeat("a", 5000), strings.Repeat("a", recordMessage)},
		"all escaped":  {strings.Repeat("\x01", 5000), strings.Repeat("\x01", recordMessage)},
		"no UTF-8":     {"a\xff", "a\ufffd"},
		"wide letters": {strings.Repeat("é", 5000), strings.Repeat("é", recordMessage/2)},
	} {
		test.Run(name, func(test *testing.T) {
			path := filepath.Join(test.TempDir(), "record")
			file, err := makePage(path)
			must(test, err)
			defer file.Close()
			const most = 1<<63 - 1
			full := record{1, 255, 64, maxRuntimeExceeded, timestamp(time.Now()), timestamp(time.Now()), most, most, most, most, strings.Repeat("b", 64), row.message}
			must(test, full.write(file))
			text, err := readPage(path)
			must(test, err)
			var read record
			must(test, json.Unmarshal(text, &read))
			if full.Message = row.want; read != full {
				test.Errorf("%+v", read)
			}
		})
	}
}

func TestBootID(test *testing.T) {
	for name, row := range map[string]struct{ text, want string }{
		"known":      {"5f0c2e0e-0000-4000-8000-000000000000\n", "5f0c2e0e-0000-4000-8000-000000000000"},
		"unreadable": {"", ""},
	} {
		test.Run(name, func(test *testing.T) {
			bench := newBench(test)
			if row.text != "" {
				must(test, os.MkdirAll(filepath.Dir(bench.layout.bootID), 0o755))
				must(test, os.WriteFile(bench.layout.bootID, []byte(row.text), 0o444))
			}
			run := bench.shell("exit 0")
			run.wait()
			if record := run.record(); record.BootID != row.want {
				test.Errorf("record %+v", record)
			}
		})
	}
}
