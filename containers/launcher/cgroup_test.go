package main

import (
	"os"
	"path/filepath"
	"testing"
	"time"
)

// files writes some below a new root.
func files(test *testing.T, files map[string]string) string {
	test.Helper()
	root := test.TempDir()
	for name, text := range files {
		must(test, os.MkdirAll(filepath.Dir(filepath.Join(root, name)), 0o755))
		must(test, os.WriteFile(filepath.Join(root, name), []byte(text), 0o644))
	}
	return root
}

var unified = map[string]string{
	"proc/self/cgroup":            "0::/\n",
	"proc/self/mountinfo":         "30 24 0:26 / /sys/fs/cgroup ro,nosuid - cgroup2 cgroup rw,nsdelegate\n",
	"sys/fs/cgroup/memory.events": "low 0\nhigh 0\nmax 7\noom 3\noom_kill 2\noom_group_kill 0\n",
	"sys/fs/cgroup/memory.peak":   "5000\n",
	"sys/fs/cgroup/memory.stat":   "anon 1000\nfile 90000\nshmem 24\n",
	"sys/fs/cgroup/cpu.stat":      "usage_usec 1500000\nuser_usec 1\n",
}

// As a container of containerd sees version 1: its group's host path, mounted as the root.
var legacy = map[string]string{
	"proc/self/cgroup": "9:name=systemd:/pods/p/c\n5:cpu,cpuacct:/pods/p/c\n4:memory:/pods/p/c\n0::/\n",
	"proc/self/mountinfo": "31 24 0:27 /pods/p/c /sys/fs/cgroup/cpu,cpuacct ro - cgroup cgroup rw,cpu,cpuacct\n" +
		"32 24 0:28 /pods/p/c /sys/fs/cgroup/memory ro - cgroup cgroup rw,memory\n" +
		"33 24 0:29 / /sys/fs/cgroup/unified ro - cgroup2 cgroup rw\n",
	"sys/fs/cgroup/memory/memory.oom_control":        "oom_kill_disable 0\nunder_oom 0\noom_kill 2\n",
	"sys/fs/cgroup/memory/memory.max_usage_in_bytes": "5000\n",
	"sys/fs/cgroup/memory/memory.stat":               "cache 90000\nrss 1\nshmem 2\ntotal_rss 1000\ntotal_shmem 24\n",
	"sys/fs/cgroup/cpu,cpuacct/cpuacct.usage":        "1500000000\n",
}

func TestCgroup(test *testing.T) {
	for name, texts := range map[string]map[string]string{"version 2": unified, "version 1": legacy} {
		test.Run(name, func(test *testing.T) {
			group := findCgroup(files(test, texts))
			if group.oomKills() != 2 || group.highWater() != 5000 || group.resident() != 1024 || group.cpuTime() != 1500*time.Millisecond {
				test.Errorf("%+v: %d OOM kills, high water %d, resident %d, CPU %s", group, group.oomKills(), group.highWater(), group.resident(), group.cpuTime())
			}
		})
	}
}

func TestNoCgroup(test *testing.T) {
	group := findCgroup(test.TempDir())
	if group.oomKills() != 0 || group.highWater() != 0 || group.resident() != 0 || group.cpuTime() != 0 {
		test.Errorf("%+v", group)
	}
}

func TestGroupDirectory(test *testing.T) {
	for name, row := range map[string]struct{ root, group, want string }{
		"own namespace":    {"/", "/", "/m"},
		"host's view":      {"/", "/kubepods/p/c", "/m/kubepods/p/c"},
		"mounted as root":  {"/kubepods/p/c", "/kubepods/p/c", "/m"},
		"group of a group": {"/kubepods/p", "/kubepods/p/c", "/m/c"},
		"moved away":       {"/kubepods/p/c", "/elsewhere", "/m"},
		"outside":          {"/../other", "/", "/m"},
	} {
		test.Run(name, func(test *testing.T) {
			if got := (groupMount{root: row.root, point: "/m"}).directory(row.group); got != row.want {
				test.Errorf("%s, want %s", got, row.want)
			}
		})
	}
}

func TestMeter(test *testing.T) {
	root := files(test, unified)
	write := func(name, text string) {
		must(test, os.WriteFile(filepath.Join(root, "sys/fs/cgroup", name), []byte(text), 0o644))
	}
	page, err := makePage(filepath.Join(root, "notes"))
	must(test, err)
	defer page.Close()
	meter := newMeter(findCgroup(root), page)
	meter.sample()
	write("memory.stat", "anon 10\nshmem 0\n")
	meter.sample()
	write("cpu.stat", "usage_usec 1750000\n")
	var calm record
	meter.fill(&calm, &family{maxRSS: 900, cpu: time.Hour})
	if calm.CPUMilliseconds != 250 || calm.PeakMemoryBytes != 1024 || calm.OOMKills != 0 {
		test.Errorf("%+v", calm)
	}
	if _, err := readPage(page.Name()); err != errNoPage {
		test.Errorf("notes of nothing: %v", err)
	}
	write("memory.events", "oom_kill 3\n")
	meter.sample()
	if text, err := readPage(page.Name()); err != nil || string(text) != `{"version":1,"oomKills":1}` {
		test.Errorf("notes %q, %v", text, err)
	}
	var killed record
	meter.fill(&killed, &family{})
	if killed.PeakMemoryBytes != 5000 || killed.OOMKills != 1 {
		test.Errorf("%+v", killed)
	}
}
