package main

import (
	"encoding/json"
	"fmt"
	"math"
	"runtime"
	"syscall"
	"time"
)

const (
	longestPause  = 5 * time.Second
	shortestPause = 100 * time.Millisecond
	fastest       = 2 << 30 // bytes a second that a script is thought to write at most
	walkShare     = 50      // a walk is followed by 50 times its cost: at most 2 % of a core
	threadUsage   = 1       // RUSAGE_THREAD
	mostForLogs   = 64 << 20
	boundsSize    = 4096 // bytes of the file
)

// scope is what a limit counts.
type scope int

const (
	volumes scope = iota // the workspace and the control volume
	layer                // temporary files in the container's own file system
	both
)

// limit is one on what the script may write. It ends before the kubelet evicts the Pod, and the outputs with it.
type limit struct {
	scope
	stop  int64 // bytes at which the script is asked to end
	bound int64 // bytes that there are, as people are told
	kill  int64 // bytes at which it is killed
	words string
}

func workspaceLimit(size int64) limit {
	return limit{volumes, size / 100 * 95, size, size, "the workspace holds %d of %d bytes (%.0f %%)"}
}

// limits gives the kubelet's. Room is left for logs, which it counts too.
func (bounds bounds) limits() (limits []limit) {
	add := func(scope scope, bound int64, words string) {
		if bound > 0 {
			stop := bound - bound/20 - min(mostForLogs, bound/4)
			limits = append(limits, limit{scope, stop, bound, stop + (bound-stop)/2, words})
		}
	}
	add(both, bounds.Pod, "the Pod's files hold %d of %d bytes (%.0f %%), its ephemeral-storage limit: the sum over its "+
		"containers of the job's resources.limits or a LimitRange of the namespace")
	add(layer, bounds.Script, "temporary files of the script hold %d of %d bytes (%.0f %%), its container's "+
		"ephemeral-storage limit: the job's resources.limits or a LimitRange of the namespace")
	return limits
}

// bounds are the ephemeral-storage limits that the Pod was admitted with; 0: none.
type bounds struct {
	Pod    int64 `json:"ephemeralStorage"` // of all its containers and volumes
	Script int64 `json:"script"`           // of what its container holds outside of volumes
}

func readBounds(path string) (read bounds) {
	text, err := readRegular(path, 0, boundsSize) // a link: the kubelet's
	if err != nil || json.Unmarshal(text, &read) != nil {
		return bounds{}
	}
	return read
}

// breach is a limit that was reached.
type breach struct {
	limit
	used int64
}

func (breach breach) String() string {
	return fmt.Sprintf(breach.words, breach.used, breach.bound, float64(breach.used)*100/float64(breach.bound))
}

// guard measures what the limits count. Everything is opened before the script runs.
type guard struct {
	volumes forest
	layer   forest
	inImage int64 // of the layer's files, what the image brought
	limits  []limit
}

func newGuard(options options, layout layout) (*guard, error) {
	trees, err := openTrees(append(options.workspaces, "/run/processing/control"), options.root)
	if err != nil {
		return nil, err
	}
	guard := &guard{volumes: newForest(trees...), limits: readBounds(layout.bounds).limits()}
	if len(guard.limits) > 0 { // else nothing bounds the layer
		guard.layer = newForest(ownLayer(options.root)...)
		guard.inImage = guard.layer.diskUsage()
	}
	if options.workspaceBytes > 0 {
		guard.limits = append(guard.limits, workspaceLimit(options.workspaceBytes))
	}
	return guard, nil
}

func openTrees(directories []string, root string) (trees []tree, err error) {
	for _, directory := range directories {
		tree, err := openTree(root + "/" + directory)
		if err != nil {
			return nil, fmt.Errorf("directory %s: %w", directory, err)
		}
		trees = append(trees, tree)
	}
	return trees, nil
}

// ownLayer gives the directories for temporary files that are no volumes.
func ownLayer(root string) (trees []tree) {
	whole, err := openTree(root)
	if err != nil {
		return nil
	}
	defer syscall.Close(whole.descriptor)
	for _, directory := range []string{"/tmp", "/var/tmp"} {
		if tree, err := openTree(root + directory); err == nil && tree.device == whole.device {
			trees = append(trees, tree)
		}
	}
	return trees
}

// watch measures for ever and reports whenever a limit is reached.
func (guard *guard) watch(full chan<- breach) {
	runtime.LockOSThread() // the cost of a walk is this thread's
	for {
		start := threadTime()
		room, reached := guard.look()
		if reached != nil {
			full <- *reached
		}
		time.Sleep(nextPause(room, threadTime()-start))
	}
}

// look says how much room there is until something has to be done, and which limit is reached: the first that asks for
// SIGKILL, else the first.
func (guard *guard) look() (room int64, reached *breach) {
	used := map[scope]int64{volumes: guard.volumes.diskUsage(), layer: max(0, guard.layer.diskUsage()-guard.inImage)}
	used[both] = used[volumes] + used[layer]
	room = math.MaxInt64
	for _, limit := range guard.limits {
		found := breach{limit, used[limit.scope]}
		if found.used < found.stop {
			room = min(room, found.stop-found.used)
			continue
		}
		room = min(room, max(0, found.kill-found.used))
		if reached == nil || (reached.used < reached.kill && found.used >= found.kill) {
			reached = &found
		}
	}
	return room, reached
}

// nextPause ends before a script could fill the room that is left, as far as the cost allows.
func nextPause(room int64, cost time.Duration) time.Duration {
	fill := time.Duration(float64(room) / fastest * float64(time.Second))
	return max(min(fill, longestPause), shortestPause, walkShare*cost)
}

func threadTime() time.Duration {
	var used syscall.Rusage
	if syscall.Getrusage(threadUsage, &used) != nil {
		return 0
	}
	return time.Duration(used.Utime.Nano() + used.Stime.Nano())
}
