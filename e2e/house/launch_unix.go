//go:build unix && !linux

package house

import (
	"os/exec"
	"syscall"
)

func launch(cmd *exec.Cmd) error {
	cmd.SysProcAttr = &syscall.SysProcAttr{Setpgid: true}
	return cmd.Start()
}
