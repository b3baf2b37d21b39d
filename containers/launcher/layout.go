package main

import "path/filepath"

// layout says where everything is; the root is "/" but in tests.
type layout struct {
	root           string
	control        string
	lock           string
	started        string
	record         string
	notes          string
	bootID         string
	signalDir      string
	bounds         string
	message        string // what the script says about its end
	terminationLog string // where the kubelet reads it
}

func newLayout(root string) layout {
	at := func(path string) string { return filepath.Join("/", root, path) }
	return layout{
		root:           at(""),
		control:        at("run/processing/control"),
		lock:           at("run/processing/control/lock"),
		started:        at("run/processing/control/started"),
		record:         at("run/processing/control/record"),
		notes:          at("run/processing/control/notes"),
		bootID:         at("proc/sys/kernel/random/boot_id"),
		signalDir:      at("run/processing/signal"),
		bounds:         at("run/processing/signal/bounds"),
		message:        at("opt/ml/output/message"),
		terminationLog: at("dev/termination-log"),
	}
}
