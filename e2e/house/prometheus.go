package house

import (
	"encoding/json"
	"fmt"
	"net/http"
	"net/url"
	"os/exec"
	"testing"
)

// Prometheus is a real Prometheus of a test's own.
type Prometheus struct {
	*Process
	URL string
}

// StartPrometheus starts a Prometheus with a prometheus.yml and the files that
// it names, given by name, beside it.
func StartPrometheus(t testing.TB, config string, files map[string]string) *Prometheus {
	t.Helper()
	dir := tempDir(t)
	for name, content := range files {
		writeFile(t, dir, name, content)
	}
	address := fmt.Sprintf("127.0.0.1:%d", Port(t))
	cmd := exec.Command(program(t, "prometheus", "prometheus"),
		"--config.file="+writeFile(t, dir, "prometheus.yml", config),
		"--storage.tsdb.path="+dir+"/data",
		"--web.listen-address="+address)
	cmd.Dir = dir
	p := &Prometheus{Process: run(t, "prometheus", cmd), URL: "http://" + address}
	p.WaitFor(t, "Server is ready to receive web requests")
	return p
}

// Promtool runs promtool, which comes with Prometheus, in a folder.
func Promtool(t testing.TB, dir string, args ...string) {
	t.Helper()
	cmd := exec.CommandContext(t.Context(), program(t, "promtool", "prometheus"), args...)
	cmd.Dir = dir
	if _, err := output(cmd); err != nil {
		t.Fatal(err)
	}
}

// Sample is one series of a query's result.
type Sample struct {
	Metric map[string]string
	Value  string
}

// Query runs an instant query and returns its vector.
func (p *Prometheus) Query(t testing.TB, promQL string) []Sample {
	t.Helper()
	var data struct {
		Result []struct {
			Metric map[string]string
			Value  [2]any // time and value
		}
	}
	p.Get(t, "/api/v1/query?query="+url.QueryEscape(promQL), &data)
	samples := make([]Sample, len(data.Result))
	for i, series := range data.Result {
		samples[i] = Sample{Metric: series.Metric, Value: fmt.Sprint(series.Value[1])}
	}
	return samples
}

// Get reads an answer of Prometheus' HTTP API, such as /api/v1/rules.
func (p *Prometheus) Get(t testing.TB, path string, data any) {
	t.Helper()
	body := Ask(t, http.DefaultClient, http.MethodGet, p.URL+path, "").Body
	answer := struct {
		Status string
		Error  string
		Data   any
	}{Data: data}
	if err := json.Unmarshal([]byte(body), &answer); err != nil {
		t.Fatalf("%s: %v: %s", path, err, body)
	}
	if answer.Status != "success" {
		t.Fatalf("%s: %s", path, answer.Error)
	}
}
