package gate_test

import (
	"io"
	"net/http"
	"net/http/httptest"
	"strings"
	"sync"
	"testing"

	"github.com/stretchr/testify/require"
	collector "go.opentelemetry.io/proto/otlp/collector/trace/v1"
	tracepb "go.opentelemetry.io/proto/otlp/trace/v1"
	"google.golang.org/protobuf/proto"

	"github.com/gatehouse-dev/caddy-gatehouse/gatetest"
)

// receiver is an OTLP receiver: what a collector of traces is to Caddy.
type receiver struct {
	mu    sync.Mutex
	raw   []byte
	spans []*tracepb.Span
}

func (rc *receiver) ServeHTTP(w http.ResponseWriter, r *http.Request) {
	body, _ := io.ReadAll(r.Body)
	var batch collector.ExportTraceServiceRequest
	if err := proto.Unmarshal(body, &batch); err != nil {
		http.Error(w, err.Error(), http.StatusBadRequest)
		return
	}
	rc.mu.Lock()
	defer rc.mu.Unlock()
	rc.raw = append(rc.raw, body...)
	for _, resource := range batch.ResourceSpans {
		for _, scope := range resource.ScopeSpans {
			rc.spans = append(rc.spans, scope.Spans...)
		}
	}
	w.Header().Set("Content-Type", "application/x-protobuf")
}

func (rc *receiver) all() []*tracepb.Span {
	rc.mu.Lock()
	defer rc.mu.Unlock()
	return append([]*tracepb.Span(nil), rc.spans...)
}

func attributesOf(span *tracepb.Span) map[string]string {
	found := map[string]string{}
	for _, a := range span.Attributes {
		found[a.Key] = a.Value.GetStringValue()
	}
	return found
}

// TestTrace holds that the gate's decisions reach a collector of traces, and
// that no secret does.
func TestTrace(t *testing.T) {
	const secret = "a-key-that-is-long-enough-to-be-one-4711"
	rc := new(receiver)
	server := httptest.NewServer(rc)
	defer server.Close()
	t.Setenv("OTEL_EXPORTER_OTLP_TRACES_ENDPOINT", server.URL+"/v1/traces")
	t.Setenv("OTEL_EXPORTER_OTLP_TRACES_PROTOCOL", "http/protobuf")
	t.Setenv("OTEL_BSP_SCHEDULE_DELAY", "20")
	t.Setenv("KEY", secret)
	g := gatetest.New(t)
	site := `GATE {
		tracing
		agent_gate
		agent_security_log
		agent_auth {
			key tester {env.KEY}
		}
		reverse_proxy BACKEND {
			transport agent_backend
		}
	}`
	require.NoError(t, g.Load(site))
	require.Equal(t, http.StatusOK, g.Get("/agents", "X-API-KEY", secret).Status)
	require.Equal(t, http.StatusUnauthorized, g.Get("/a?api_key="+secret+"&id=1%27%20or%201=1--", "Referer", "https://x.test/?token="+secret).Status)
	gatetest.Await(t, "both spans are exported", func() bool { return len(rc.all()) >= 2 })

	byDecision := map[string]*tracepb.Span{}
	for _, span := range rc.all() {
		byDecision[attributesOf(span)["gatehouse.decision"]] = span
	}
	passed, refused := byDecision["passed"], byDecision["refused"]
	require.NotNil(t, passed)
	require.NotNil(t, refused)
	require.Equal(t, "tester", attributesOf(passed)["gatehouse.key_id"])
	require.NotEmpty(t, attributesOf(passed)["gatehouse.request_id"])
	require.Equal(t, "UNAUTHORIZED", attributesOf(refused)["gatehouse.code"])
	var names []string
	for _, event := range refused.Events {
		names = append(names, event.Name)
	}
	require.Contains(t, names, "malicious_sqli")
	require.Contains(t, names, "authn_login_fail")
	rc.mu.Lock()
	defer rc.mu.Unlock()
	require.False(t, strings.Contains(string(rc.raw), secret), "a key is in the trace")
}
