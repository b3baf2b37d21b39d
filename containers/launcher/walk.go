package main

import (
	"syscall"
	"unsafe"
)

const (
	deepest      = 1000 // directories below a tree's root; each holds a descriptor while it is walked
	lookNoFollow = 0x100
	readOnly     = syscall.O_RDONLY | syscall.O_DIRECTORY | syscall.O_NOFOLLOW | syscall.O_NONBLOCK | syscall.O_CLOEXEC
)

type fileID struct{ device, inode uint64 }

// tree is a directory to measure, opened before the script runs.
type tree struct {
	fileID
	descriptor int
}

// openTree follows a link: before the script runs it is the image's, and the volume is mounted where it leads to.
func openTree(path string) (tree, error) {
	descriptor, err := syscall.Open(path, readOnly&^syscall.O_NOFOLLOW, 0)
	if err != nil {
		return tree{}, err
	}
	var status syscall.Stat_t
	err = syscall.Fstat(descriptor, &status)
	return tree{fileID{uint64(status.Dev), status.Ino}, descriptor}, err
}

// forest are trees that are measured together. One directory given twice, or one below another, counts once.
type forest struct {
	trees []tree
	roots map[fileID]bool
}

func newForest(trees ...tree) forest {
	all := forest{roots: map[fileID]bool{}}
	for _, tree := range trees {
		if !all.roots[tree.fileID] {
			all.roots[tree.fileID] = true
			all.trees = append(all.trees, tree)
		}
	}
	return all
}

// diskUsage is what the trees take on the disk, in bytes: allocated blocks, other file systems left out. What cannot be
// read, goes away meanwhile or lies too deep is not counted.
func (forest forest) diskUsage() (bytes int64) {
	for _, tree := range forest.trees {
		bytes += forest.below(tree.descriptor, ".", tree.device, 0)
	}
	return bytes
}

// below opens each directory in its parent: a path may be longer than the kernel takes, and name something else by now.
func (forest forest) below(parent int, name string, device uint64, depth int) (bytes int64) {
	descriptor, err := syscall.Openat(parent, name, readOnly, 0)
	if err != nil {
		return 0
	}
	defer syscall.Close(descriptor)
	var names []string
	buffer := make([]byte, 8192)
	for {
		read, err := syscall.ReadDirent(descriptor, buffer)
		if err != nil || read <= 0 {
			return bytes
		}
		_, _, names = syscall.ParseDirent(buffer[:read], -1, names[:0])
		for _, name := range names {
			bytes += forest.one(descriptor, name, device, depth)
		}
	}
}

// one gives the bytes of what has a name in a directory. A file with many names has a share at each: nothing needs to be
// remembered.
func (forest forest) one(directory int, name string, device uint64, depth int) int64 {
	status, err := statAt(directory, name)
	if err != nil || uint64(status.Dev) != device {
		return 0
	}
	bytes := status.Blocks * 512
	if status.Mode&syscall.S_IFMT != syscall.S_IFDIR {
		return bytes / max(1, int64(status.Nlink))
	}
	if depth < deepest && !forest.roots[fileID{device, status.Ino}] { // else it is measured by itself
		bytes += forest.below(directory, name, device, depth+1)
	}
	return bytes
}

func statAt(directory int, name string) (status syscall.Stat_t, err error) {
	text, err := syscall.BytePtrFromString(name)
	if err != nil {
		return status, err
	}
	_, _, failed := syscall.Syscall6(fstatat, uintptr(directory), uintptr(unsafe.Pointer(text)),
		uintptr(unsafe.Pointer(&status)), lookNoFollow, 0, 0)
	if failed != 0 {
		return status, failed
	}
	return status, nil
}
