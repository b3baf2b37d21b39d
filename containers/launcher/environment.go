package main

import (
	"os"
	"strings"
)

// hiddenName is what launcher_entry makes of names that begin with GO.
const hiddenName = "\x01O"

// scriptEnvironment is the container's environment as it was. Nothing of the launcher is steered by it: the Go runtime
// is kept from GOGC, GODEBUG, GOMEMLIMIT and the like (a malformed one would end it before main), and a static program
// knows no LD_PRELOAD.
func scriptEnvironment() []string {
	variables := os.Environ()
	for at, variable := range variables {
		if rest, hidden := strings.CutPrefix(variable, hiddenName); hidden {
			variables[at] = "GO" + rest
		}
	}
	return variables
}
