package main

import (
	"errors"
	"fmt"
	"os"
	"path/filepath"
	"strings"
	"syscall"
	"testing"
	"time"
)

const mebi = 1 << 20

func measured(test *testing.T, directories ...string) int64 {
	test.Helper()
	trees, err := openTrees(directories, "")
	must(test, err)
	return newForest(trees...).diskUsage()
}

func TestDiskUsage(test *testing.T) {
	root := test.TempDir()
	empty := measured(test, root)
	write := func(name string, size int) {
		must(test, os.MkdirAll(filepath.Dir(filepath.Join(root, name)), 0o755))
		must(test, os.WriteFile(filepath.Join(root, name), make([]byte, size), 0o644))
	}
	write("a", 2*mebi)
	write("deep/er/b", mebi)
	must(test, os.Link(filepath.Join(root, "a"), filepath.Join(root, "deep/same")))
	must(test, os.Symlink("/usr", filepath.Join(root, "link")))
	sparse, err := os.Create(filepath.Join(root, "sparse"))
	must(test, err)
	must(test, sparse.Truncate(1<<30))
	sparse.Close()
	link := filepath.Join(test.TempDir(), "link")
	must(test, os.Symlink(root, link))
	for name, directories := range map[string][]string{
		"once":                    {root},
		"twice":                   {root, root},
		"by another name":         {root, root + "/deep/../"},
		"by a link of the image":  {link},
		"a part of it, too":       {root, root + "/deep"},
		"a part of it, first":     {root + "/deep/er", root},
		"a part of a part of it":  {root + "/deep", root, root + "/deep/er"},
		"a device that has files": {root, "/proc/self/attr"},
	} {
		if used := measured(test, directories...) - empty; used < 3*mebi || used > 3*mebi+100_000 {
			test.Errorf("%s: %d bytes", name, used)
		}
	}
}

// Deeper than a path may be long.
func TestDeepTree(test *testing.T) {
	root := test.TempDir()
	top, err := syscall.Open(root, readOnly, 0)
	must(test, err)
	defer syscall.Close(top)
	parent, name := top, strings.Repeat("d", 200)
	for range 100 {
		must(test, syscall.Mkdirat(parent, name, 0o755))
		child, err := syscall.Openat(parent, name, readOnly, 0)
		must(test, err)
		defer syscall.Close(child)
		parent = child
	}
	file, err := syscall.Openat(parent, "big", syscall.O_WRONLY|syscall.O_CREAT, 0o644)
	must(test, err)
	_, err = syscall.Write(file, make([]byte, 3*mebi))
	must(test, errors.Join(err, syscall.Close(file)))
	if used := measured(test, root); used < 3*mebi {
		test.Errorf("%d bytes", used)
	}
}

func TestChangesWhileItIsMeasured(test *testing.T) {
	bench := newBench(test)
	bench.asFirst() // all of it ends with the launcher
	run := bench.shell("cd " + bench.layout.root + `; touch ready; while :; do mkdir -p a/b/c; touch a/b/c/f a/g; mv a/b x; ln -s / a/b; rm -r a x; done`)
	bench.untilFile(bench.layout.root + "/ready")
	for range 2000 {
		if used := measured(test, bench.layout.root); used > mebi {
			test.Fatalf("%d bytes", used)
		}
	}
	must(test, run.process.Process.Kill())
	run.wait()
}

func TestNextPause(test *testing.T) {
	for name, row := range map[string]struct {
		room       int64
		cost, want time.Duration
	}{
		"much room":             {30 << 30, time.Millisecond, longestPause},
		"a second's room":       {fastest, time.Millisecond, time.Second},
		"little room":           {mebi, time.Millisecond, shortestPause},
		"none":                  {0, 0, shortestPause},
		"costs much":            {30 << 30, time.Second, 50 * time.Second},
		"costs much, no room":   {0, 10 * time.Millisecond, 500 * time.Millisecond},
		"more than can be said": {1 << 62, 0, longestPause},
	} {
		test.Run(name, func(test *testing.T) {
			if got := nextPause(row.room, row.cost); got != row.want {
				test.Errorf("%s, want %s", got, row.want)
			}
		})
	}
}

func TestLimitOfTheKubelet(test *testing.T) {
	for name, row := range map[string]struct{ bound, stop, kill int64 }{
		"small": {100 * mebi, 70 * mebi, 85 * mebi},
		"large": {10_000 * mebi, 9436 * mebi, 9718 * mebi},
	} {
		limits := bounds{Pod: row.bound, Script: row.bound}.limits()
		if len(limits) != 2 || limits[0].stop != row.stop || limits[0].kill != row.kill || limits[1].stop != row.stop {
			test.Errorf("%s: %+v", name, limits)
		}
	}
}

func TestReadBounds(test *testing.T) {
	for text, want := range map[string]bounds{
		`{"ephemeralStorage":104857600}`: {Pod: 104857600}, `{"ephemeralStorage":2,"script":1,"later":[]}`: {2, 1},
		"": {}, "{}": {}, "null": {}, "[1]": {}, "{": {}, `{"ephemeralStorage":"100Mi"}`: {}, `{"ephemeralStorage":1e400}`: {},
	} {
		path := filepath.Join(test.TempDir(), "bounds")
		must(test, os.WriteFile(path, []byte(text), 0o644))
		if got := readBounds(path); got != want {
			test.Errorf("%q: %+v", text, got)
		}
	}
	if (readBounds("/none") != bounds{}) {
		test.Error("bounds of no file")
	}
}

func TestWorkspaceFull(test *testing.T) {
	const ownTmp, output, control = "tmp", "opt/ml/output", "run/processing/control"
	for name, row := range map[string]struct {
		directory    string
		mebibytes    int
		bound        string
		code, signal int
		message      string
	}{
		"95 percent":            {output, 19, "", 7, 0, "the workspace holds "},
		"full":                  {output, 21, "", 137, 9, " of 20971520 bytes "},
		"in the control volume": {control, 21, "", 137, 9, "the workspace holds "},
		"the Pod's limit nears": {output, 8, `{"ephemeralStorage":10485760}`, 7, 0, "of 10485760 bytes"},
		"the Pod's limit":       {output, 11, `{"ephemeralStorage":10485760}`, 137, 9, "its ephemeral-storage limit"},
		"temporary files":       {ownTmp, 11, `{"ephemeralStorage":10485760}`, 137, 9, "LimitRange"},
		"the script's limit":    {ownTmp, 11, `{"ephemeralStorage":99999999,"script":10485760}`, 137, 9, "its container's"},
		"which is no volume's":  {output, 19, `{"ephemeralStorage":99999999,"script":10485760}`, 7, 0, "the workspace holds "},
		"a limit of more":       {output, 19, `{"ephemeralStorage":99999999}`, 7, 0, "the workspace holds "},
		"temporary, no limit":   {ownTmp, 30, "", 0, 0, ""},
		"temporary, high limit": {ownTmp, 30, `{"ephemeralStorage":99999999}`, 0, 0, ""},
		"nothing can be read":   {output, 19, `{"ephemeralStorage"`, 7, 0, "the workspace holds "},
	} {
		test.Run(name, func(test *testing.T) {
			test.Parallel()
			bench := newBench(test)
			must(test, os.Mkdir(bench.layout.root+"/tmp", 0o777))
			must(test, os.WriteFile(bench.layout.root+"/tmp/image", make([]byte, 20*mebi), 0o644)) // the image's: not counted
			must(test, os.WriteFile(bench.layout.bounds, []byte(row.bound), 0o644))
			trap, patience := "'exit 7'", 100
			if row.signal != 0 {
				trap = "''" // it stays until SIGKILL, however long that takes
			}
			if row.code == 0 {
				patience = 15
			}
			script := fmt.Sprintf("trap %s TERM; head -c %dM /dev/zero > %s/%s/big; for i in $(seq %d); do sleep 0.05; done",
				trap, row.mebibytes, bench.layout.root, row.directory, patience)
			run := bench.shell(script, "--workspace-bytes=20971520", "--workspace=/opt/ml/output")
			if code := run.wait(); code != row.code {
				test.Errorf("exit code %d: %s", code, &run.stderr)
			}
			record := run.record()
			if full := record.Reason == workspaceFull; full == (row.code == 0) || record.Signal != row.signal {
				test.Errorf("record %+v", record)
			}
			contains(test, record.Message, row.message)
		})
	}
}

// A fast script is ended before it has written much more than it may.
func TestFastWriter(test *testing.T) {
	bench := newBench(test)
	must(test, os.WriteFile(bench.layout.bounds, []byte(`{"ephemeralStorage":104857600}`), 0o644))
	script := fmt.Sprintf("trap '' TERM; for i in $(seq 40); do head -c 10M /dev/zero > %s/opt/ml/output/$i; sleep 0.02; done; sleep 10", bench.layout.root)
	began := time.Now()
	run := bench.shell(script, "--workspace-bytes=2147483648", "--workspace=/opt/ml/output")
	if code := run.wait(); code != 137 || time.Since(began) > 3*time.Second {
		test.Errorf("exit code %d after %s", code, time.Since(began))
	}
	test.Logf("%s after %s", run.record().Message, time.Since(began))
	if used := measured(test, bench.layout.root); used > 250*mebi {
		test.Errorf("%d bytes", used)
	}
}

func BenchmarkDiskUsage(bench *testing.B) {
	root := bench.TempDir()
	for number := range 10_000 {
		directory := filepath.Join(root, fmt.Sprint(number/100))
		os.MkdirAll(directory, 0o755)
		os.WriteFile(filepath.Join(directory, fmt.Sprint(number)), nil, 0o644)
	}
	trees, _ := openTrees([]string{root}, "")
	for bench.Loop() {
		newForest(trees...).diskUsage()
	}
}
