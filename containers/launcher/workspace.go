package main

import (
	"os"
	"path/filepath"
	"runtime"
	"syscall"
	"time"
)

const (
	stopPercent  = 95  // of the workspace's size: the script is asked to end
	killPercent  = 100 // and here it is killed, before the kubelet evicts the Pod and its outputs
	walkPause    = 5 * time.Second
	hurriedPause = time.Second // when the next walk could find it full
	walkShare    = 50          // a walk is followed by 50 times its cost: at most 2 % of a core
	threadUsage  = 1           // RUSAGE_THREAD
)

// watchWorkspace measures the workspace for ever and reports what it holds whenever that is too much.
func watchWorkspace(directory string, limit int64, full chan<- int64) {
	runtime.LockOSThread() // the cost of a walk is this thread's
	pause, before := walkPause, int64(0)
	for {
		time.Sleep(pause)
		start := threadTime()
		used := diskUsage(directory)
		pause = nextPause(used, used-before, limit, threadTime()-start)
		before = used
		if percent(used, limit) >= stopPercent {
			full <- used
		}
	}
}

// nextPause hurries when the workspace, growing as it did, could be full before the usual pause is over.
func nextPause(used, growth, limit int64, cost time.Duration) time.Duration {
	pause := walkPause
	if percent(used+2*max(growth, 0), limit) >= stopPercent {
		pause = hurriedPause
	}
	return max(pause, walkShare*cost)
}

func percent(used, limit int64) float64 {
	return float64(used) * 100 / float64(limit)
}

// diskUsage is what the tree takes on the disk, in bytes: allocated blocks, each file with many names once, other file
// systems left out. What cannot be read, or goes away meanwhile, is not counted.
func diskUsage(directory string) int64 {
	var root syscall.Stat_t
	if syscall.Lstat(directory, &root) != nil {
		return 0
	}
	walk := walk{device: root.Dev, seen: map[uint64]bool{}}
	walk.enter(directory)
	return walk.bytes
}

type walk struct {
	device uint64
	seen   map[uint64]bool // inodes of files with several names
	bytes  int64
}

func (walk *walk) enter(directory string) {
	opened, err := os.OpenFile(directory, os.O_RDONLY|syscall.O_DIRECTORY|syscall.O_NOFOLLOW, 0)
	if err != nil {
		return
	}
	var below []string
	for {
		names, err := opened.Readdirnames(1024)
		for _, name := range names {
			if path := filepath.Join(directory, name); walk.count(path) {
				below = append(below, path)
			}
		}
		if err != nil || len(names) == 0 {
			break
		}
	}
	opened.Close() // before going deeper: a deep tree must not take many descriptors
	for _, path := range below {
		walk.enter(path)
	}
}

// count adds a file's blocks and says whether it is a directory to enter.
func (walk *walk) count(path string) bool {
	var status syscall.Stat_t
	if syscall.Lstat(path, &status) != nil || status.Dev != walk.device {
		return false
	}
	directory := status.Mode&syscall.S_IFMT == syscall.S_IFDIR
	if !directory && status.Nlink > 1 {
		if walk.seen[status.Ino] {
			return false
		}
		walk.seen[status.Ino] = true
	}
	walk.bytes += status.Blocks * 512
	return directory
}

func threadTime() time.Duration {
	var used syscall.Rusage
	if syscall.Getrusage(threadUsage, &used) != nil {
		return 0
	}
	return time.Duration(used.Utime.Nano() + used.Stime.Nano())
}
