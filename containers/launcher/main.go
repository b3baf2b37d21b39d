// Launcher is PID 1 of a processing job's script container. It runs the user's command once, ends it when it is told
// to, and leaves a record of the end for the uploader. docs/internals/protocol.md is the contract it keeps.
package main

import (
	"fmt"
	"os"
)

// version is set by the linker.
var version = "dev"

// exitBroken says that the launcher itself could not work, as `docker run` says it: the script did not run.
const exitBroken = 125

const usage = "usage: launcher run [--max-runtime=SECONDS] [--stop-grace=SECONDS] " +
	"[--workspace-bytes=BYTES --workspace=DIRECTORY...] -- COMMAND [ARG...]"

func main() {
	signals := listen() // first of all: a SIGTERM that comes before this line would kill us with code 2
	shield()
	code := command(os.Args[1:], signals)
	log.flush()
	os.Exit(code)
}

func command(args []string, signals *signals) int {
	switch {
	case len(args) == 1 && args[0] == "version":
		fmt.Println(version)
		return 0
	case signalHandler == 0:
		return broken("/", "built without -ldflags '-E launcher_entry'")
	case len(args) == 0 || args[0] != "run":
		return broken("/", usage)
	}
	options, err := parseOptions(args[1:])
	if err != nil {
		return broken(options.root, err.Error())
	}
	return run(options, newLayout(options.root), signals)
}

func broken(root, why string) int {
	return refuse(openTerminationLog(newLayout(root).terminationLog), exitBroken, "%s", why)
}
