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

func main() {
	signals := listen() // first of all: a SIGTERM that comes before this line would kill us with code 2
	os.Exit(command(os.Args[1:], signals))
}

func command(args []string, signals *signals) int {
	if len(args) == 0 {
		return usage()
	}
	switch args[0] {
	case "run":
		options, err := parseOptions(args[1:])
		if err != nil {
			say("%v", err)
			return exitBroken
		}
		return run(options, newLayout(os.Getenv("PROCESSING_ROOT")), signals)
	case "version", "--version":
		fmt.Println(version)
		return 0
	}
	return usage()
}

func usage() int {
	say("usage: launcher run [--max-runtime=SECONDS] [--stop-grace=SECONDS] [--workspace-bytes=BYTES] -- COMMAND [ARG...]")
	return exitBroken
}

// say tells people, in the container's log, what the launcher does to their script.
func say(format string, values ...any) {
	fmt.Fprintf(os.Stderr, "launcher: "+format+"\n", values...)
}
