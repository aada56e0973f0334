package house

import (
	"os/exec"
	"strconv"
	"testing"
)

// Redis is a real redis-server of a test's own, without persistence.
type Redis struct {
	*Process
	Address string // host:port
	port    int
}

// StartRedis starts a redis-server on a free port of 127.0.0.1.
func StartRedis(t testing.TB) *Redis {
	t.Helper()
	return startRedis(t, Port(t))
}

// Restart starts a server anew, empty, at the address of one that has ended.
func (r *Redis) Restart(t testing.TB) *Redis {
	t.Helper()
	r.Stop()
	return startRedis(t, r.port)
}

func startRedis(t testing.TB, port int) *Redis {
	t.Helper()
	cmd := exec.Command(program(t, "redis-server", "redis-server"),
		"--bind", "127.0.0.1", "--port", strconv.Itoa(port), "--save", "", "--appendonly", "no", "--dir", tempDir(t))
	r := &Redis{Process: run(t, "redis-server", cmd), Address: "127.0.0.1:" + strconv.Itoa(port), port: port}
	r.WaitFor(t, "Ready to accept connections")
	return r
}
