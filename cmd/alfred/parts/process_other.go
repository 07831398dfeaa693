//go:build !linux

package parts

import "syscall"

// childAttributes gives the child a process group of its own. Only Linux can end it by itself when this process dies.
func childAttributes(syscall.Signal) *syscall.SysProcAttr {
	return &syscall.SysProcAttr{Setpgid: true}
}
