package house

import (
	"os/exec"
	"runtime"
	"sync"
	"syscall"
)

// launches go through one thread that never ends: the kernel kills a child as
// soon as the thread that started it is gone, and so kills it for sure when the
// test binary crashes or runs out of time.
var launches = sync.OnceValue(func() chan<- func() {
	queue := make(chan func())
	go func() {
		runtime.LockOSThread()
		for f := range queue {
			f()
		}
	}()
	return queue
})

func launch(cmd *exec.Cmd) error {
	cmd.SysProcAttr = &syscall.SysProcAttr{Setpgid: true, Pdeathsig: syscall.SIGKILL}
	result := make(chan error)
	launches() <- func() { result <- cmd.Start() }
	return <-result
}
