package main

import (
	"errors"
	"fmt"
	"os"
	"path/filepath"
	"strings"
	"syscall"
)

const defaultPath = "/usr/local/sbin:/usr/local/bin:/usr/sbin:/usr/bin:/sbin:/bin"

// The shell's codes for a command that cannot be run.
const (
	exitNotExecutable = 126
	exitNotFound      = 127
)

// startError is a command that could not be started, with the code that a shell would give.
type startError struct {
	code    int
	message string
}

func (err startError) Error() string { return err.message }

// startCommand runs the command as the leader of a process group of its own and gives its pid, which is the group's
// too. Not by os/exec: its Wait and our wait4(-1) would take children from each other.
func startCommand(command []string, search string) (int, error) {
	path, err := lookUp(command[0], search)
	if err != nil {
		return 0, err
	}
	pid, err := syscall.ForkExec(path, command, &syscall.ProcAttr{
		Env:   scriptEnvironment(),
		Files: []uintptr{0, 1, 2},
		Sys:   &syscall.SysProcAttr{Setpgid: true},
	})
	if err != nil {
		return 0, explainExec(path, err)
	}
	return pid, nil
}

// lookUp finds a command as a shell does: a name with a slash is a path, any other is searched for in PATH.
func lookUp(name, search string) (string, error) {
	if name == "" {
		return "", startError{exitNotFound, "the command is empty"}
	}
	if strings.Contains(name, "/") {
		return name, executable(name)
	}
	var refused error
	for _, directory := range filepath.SplitList(search) {
		path := filepath.Join(directory, name)
		if directory == "" {
			path = "./" + name
		}
		err := executable(path)
		if err == nil {
			return path, nil
		}
		if found := (startError{}); errors.As(err, &found) && found.code == exitNotExecutable && refused == nil {
			refused = err
		}
	}
	if refused != nil {
		return "", refused
	}
	return "", startError{exitNotFound, fmt.Sprintf("command %q not found in PATH (%s)", name, search)}
}

func executable(path string) error {
	status, err := os.Stat(path)
	switch {
	case errors.Is(err, os.ErrPermission):
		return startError{exitNotExecutable, fmt.Sprintf("command %q: permission denied", path)}
	case err != nil:
		return startError{exitNotFound, fmt.Sprintf("command %q not found", path)}
	case status.IsDir():
		return startError{exitNotExecutable, fmt.Sprintf("command %q is a directory", path)}
	case status.Mode()&0o111 == 0:
		return startError{exitNotExecutable, fmt.Sprintf("command %q is not executable (mode %04o): name its interpreter, as in [python3, %s]", path, status.Mode().Perm(), path)}
	}
	return nil
}

// explainExec says what the kernel's answer means for a file that is there and has an execute bit.
func explainExec(path string, err error) error {
	switch {
	case errors.Is(err, syscall.ENOENT):
		return startError{exitNotFound, fmt.Sprintf("command %q cannot start: its interpreter (the #! line, or the dynamic loader) is not in the image", path)}
	case errors.Is(err, syscall.ENOEXEC):
		return startError{exitNotExecutable, fmt.Sprintf("command %q cannot start: no #! line, or built for another architecture", path)}
	case errors.Is(err, syscall.EACCES):
		return startError{exitNotExecutable, fmt.Sprintf("command %q: permission denied for user %d", path, os.Getuid())}
	}
	return startError{exitNotExecutable, fmt.Sprintf("command %q cannot start: %v", path, err)}
}
