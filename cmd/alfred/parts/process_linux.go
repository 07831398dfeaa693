package parts

import "syscall"

// childAttributes gives the child a process group of its own, and has the kernel send it term when this process dies, so that
// even a kill -9 of the parent leaves nothing running.
func childAttributes(term syscall.Signal) *syscall.SysProcAttr {
	return &syscall.SysProcAttr{Setpgid: true, Pdeathsig: term}
}
