package main

import (
	"bufio"
	"os"
	"path/filepath"
	"strconv"
	"strings"
	"time"
)

// cgroup reads the container's own control group, version 1 or 2. Where there is none every value is 0.
type cgroup struct {
	memory, cpu string // directories; empty: not there
	version     int
}

func findCgroup(root string) cgroup {
	at := func(path string) string { return filepath.Join(root, path) }
	paths := ownGroups(at("proc/self/cgroup"))
	found := cgroup{}
	unified := ""
	for _, mount := range groupMounts(at("proc/self/mountinfo")) {
		if mount.kind == "cgroup2" {
			unified = at(mount.directory(paths[""]))
		}
		for _, controller := range strings.Split(mount.options, ",") {
			switch {
			case mount.kind == "cgroup" && controller == "memory":
				found.memory, found.version = at(mount.directory(paths["memory"])), 1
			case mount.kind == "cgroup" && controller == "cpuacct":
				found.cpu = at(mount.directory(paths["cpuacct"]))
			}
		}
	}
	if found.version == 0 && unified != "" {
		return cgroup{memory: unified, cpu: unified, version: 2}
	}
	return found
}

// groupMount is one line of mountinfo: the group root is shown at the mount point.
type groupMount struct{ root, point, kind, options string }

// directory is where the group's files are. A container without a cgroup namespace sees its host path in
// /proc/self/cgroup, and the same path as the root of the mount.
func (mount groupMount) directory(group string) string {
	if below, err := filepath.Rel(mount.root, group); err == nil && !strings.HasPrefix(below, "..") {
		return filepath.Join(mount.point, below)
	}
	return mount.point
}

func groupMounts(path string) (mounts []groupMount) {
	for _, line := range lines(path) {
		before, after, found := strings.Cut(line, " - ")
		left, right := strings.Fields(before), strings.Fields(after)
		if found && len(left) >= 5 && len(right) >= 3 && strings.HasPrefix(right[0], "cgroup") {
			mounts = append(mounts, groupMount{root: left[3], point: left[4], kind: right[0], options: right[2]})
		}
	}
	return mounts
}

// ownGroups maps a controller ("" for version 2) to this process's group.
func ownGroups(path string) map[string]string {
	groups := map[string]string{}
	for _, line := range lines(path) {
		if fields := strings.SplitN(line, ":", 3); len(fields) == 3 {
			for _, controller := range strings.Split(fields[1], ",") {
				groups[controller] = fields[2]
			}
		}
	}
	return groups
}

// oomKills counts processes that the kernel killed because the container had reached its memory limit.
func (group cgroup) oomKills() int64 {
	if group.version == 1 {
		return group.field(group.memory, "memory.oom_control", "oom_kill")
	}
	return group.field(group.memory, "memory.events", "oom_kill")
}

// highWater is the most that was ever charged to the container, page cache included.
func (group cgroup) highWater() int64 {
	if group.version == 1 {
		return group.number(group.memory, "memory.max_usage_in_bytes")
	}
	return group.number(group.memory, "memory.peak")
}

// resident is what is charged now and cannot be dropped: memory of processes and shared memory, no page cache.
func (group cgroup) resident() int64 {
	if group.version == 1 {
		return group.field(group.memory, "memory.stat", "total_rss") + group.field(group.memory, "memory.stat", "total_shmem")
	}
	return group.field(group.memory, "memory.stat", "anon") + group.field(group.memory, "memory.stat", "shmem")
}

func (group cgroup) cpuTime() time.Duration {
	if group.version == 1 {
		return time.Duration(group.number(group.cpu, "cpuacct.usage"))
	}
	return time.Duration(group.field(group.cpu, "cpu.stat", "usage_usec")) * time.Microsecond
}

func (group cgroup) number(directory, name string) int64 {
	if directory == "" {
		return 0
	}
	text, _ := os.ReadFile(filepath.Join(directory, name))
	value, _ := strconv.ParseInt(strings.TrimSpace(string(text)), 10, 64)
	return value
}

func (group cgroup) field(directory, name, key string) int64 {
	if directory == "" {
		return 0
	}
	for _, line := range lines(filepath.Join(directory, name)) {
		if value, found := strings.CutPrefix(line, key+" "); found {
			number, _ := strconv.ParseInt(strings.TrimSpace(value), 10, 64)
			return number
		}
	}
	return 0
}

func lines(path string) (all []string) {
	file, err := os.Open(path)
	if err != nil {
		return nil
	}
	defer file.Close()
	for scanner := bufio.NewScanner(file); scanner.Scan(); {
		all = append(all, scanner.Text())
	}
	return all
}
