package examples_test

import (
	"bytes"
	"errors"
	"io"
	"maps"
	"os"
	"path/filepath"
	"regexp"
	"slices"
	"strings"
	"testing"

	"github.com/gatehouse-dev/caddy-gatehouse/gatetest"
	"go.yaml.in/yaml/v3"
)

// compose is what the test knows of a compose file. A field that it does not
// know fails the test, so that none gets in unseen.
type compose struct {
	Name     string
	Services map[string]service
	Volumes  map[string]any
}

type service struct {
	Build       map[string]string
	Image       string
	Restart     string
	Ports       []string
	Expose      []string
	NetworkMode string   `yaml:"network_mode"`
	DependsOn   []string `yaml:"depends_on"`
	EnvFile     []string `yaml:"env_file"`
	Volumes     []string
	Tmpfs       []string
	ReadOnly    bool     `yaml:"read_only"`
	CapDrop     []string `yaml:"cap_drop"`
	CapAdd      []string `yaml:"cap_add"`
	SecurityOpt []string `yaml:"security_opt"`
}

// In the compose file, nobody reaches ElizaOS but the gate: it lives in the
// gate's network namespace and publishes nothing.
func TestCompose(t *testing.T) {
	var file compose
	decode(t, "docker/compose.yaml", &file)
	gate, eliza := file.Services["gate"], file.Services["eliza"]
	if eliza.NetworkMode != "service:gate" || len(eliza.Ports)+len(eliza.Expose) != 0 {
		t.Errorf("ElizaOS: network_mode %q, ports %v, expose %v", eliza.NetworkMode, eliza.Ports, eliza.Expose)
	}
	if want := []string{"80:80", "443:443", "443:443/udp"}; !slices.Equal(gate.Ports, want) || gate.NetworkMode != "" {
		t.Errorf("the gate publishes %v with network_mode %q", gate.Ports, gate.NetworkMode)
	}
	for name, s := range file.Services {
		if !slices.Equal(s.CapDrop, []string{"ALL"}) || !slices.Contains(s.SecurityOpt, "no-new-privileges:true") {
			t.Errorf("%s keeps rights: %+v", name, s)
		}
		for _, volume := range s.Volumes {
			source, _, _ := strings.Cut(volume, ":")
			if _, named := file.Volumes[source]; named {
				continue
			}
			if _, err := os.Stat(filepath.Join("docker", source)); err != nil || !strings.HasSuffix(volume, ":ro") {
				t.Errorf("%s mounts %s: %v", name, volume, err)
			}
		}
	}
	if !gate.ReadOnly || !slices.Equal(gate.CapAdd, []string{"NET_BIND_SERVICE"}) || len(eliza.CapAdd) != 0 {
		t.Errorf("the gate: read_only %t, cap_add %v; ElizaOS: cap_add %v", gate.ReadOnly, gate.CapAdd, eliza.CapAdd)
	}
	// The gate's own file must not reach the backend.
	if !slices.Equal(eliza.EnvFile, []string{"../elizaos/.env.production"}) {
		t.Errorf("ElizaOS reads %v", eliza.EnvFile)
	}
}

// decode reads the first document of a YAML file, and refuses unknown fields.
func decode(t *testing.T, path string, into any) {
	t.Helper()
	text, err := os.ReadFile(path)
	if err != nil {
		t.Fatal(err)
	}
	decoder := yaml.NewDecoder(bytes.NewReader(text))
	decoder.KnownFields(true)
	if err := decoder.Decode(into); err != nil {
		t.Fatalf("%s: %v", path, err)
	}
}

// The image runs as nobody in particular and holds nothing but the binary.
func TestDockerfile(t *testing.T) {
	text, err := os.ReadFile("docker/Dockerfile")
	if err != nil {
		t.Fatal(err)
	}
	_, last, _ := strings.Cut(string(text), "\nFROM scratch\n")
	for _, line := range []string{"\nUSER 10001:10001\n", "\nEXPOSE 80 443 443/udp\n", "\nENTRYPOINT [\"/usr/local/bin/gatehouse\"]\n"} {
		if !strings.Contains(last, line) {
			t.Errorf("the last stage does not have %q", strings.TrimSpace(line))
		}
	}
	if strings.Contains(last, "\nRUN ") {
		t.Error("the last stage runs something, and there is nothing to run it with")
	}
}

// object is what the test knows of a Kubernetes object; their own types judge
// the rest in the end-to-end tests.
type object struct {
	Kind     string
	Metadata struct{ Name string }
	Data     map[string]string
	Spec     struct {
		Ports []struct {
			TargetPort string `yaml:"targetPort"`
		}
		Ingress  []struct{ Ports []struct{ Port string } }
		Template struct {
			Spec struct {
				Automount  *bool `yaml:"automountServiceAccountToken"`
				Containers []struct {
					Name  string
					Ports []struct {
						Name          string
						ContainerPort int `yaml:"containerPort"`
					}
					Env []struct{ Name, Value string }
				}
			}
		}
	}
}

// In the pod, ElizaOS listens on loopback and has no port; the service and the
// policy lead to ports of the gate alone; and the gate's configuration is one.
func TestKubernetesSidecar(t *testing.T) {
	objects := make(map[string]object)
	text, err := os.ReadFile("kubernetes/gatehouse.yaml")
	if err != nil {
		t.Fatal(err)
	}
	for decoder := yaml.NewDecoder(bytes.NewReader(text)); ; {
		var o object
		if err := decoder.Decode(&o); errors.Is(err, io.EOF) {
			break
		} else if err != nil {
			t.Fatal(err)
		}
		objects[o.Kind] = o
	}
	pod := objects["Deployment"].Spec.Template.Spec
	if pod.Automount == nil || *pod.Automount {
		t.Error("the pod holds a token of the cluster")
	}
	gatePorts := make(map[string]bool)
	for _, container := range pod.Containers {
		env := make(map[string]string)
		for _, variable := range container.Env {
			env[variable.Name] = variable.Value
		}
		if env["SERVER_HOST"] != "127.0.0.1" || env["ELIZA_UI_ENABLE"] != "false" {
			t.Errorf("%s has %v", container.Name, env)
		}
		for _, port := range container.Ports {
			if container.Name != "gate" {
				t.Errorf("%s has the port %d", container.Name, port.ContainerPort)
			}
			gatePorts[port.Name] = true
		}
	}
	var reached []string
	for _, port := range objects["Service"].Spec.Ports {
		reached = append(reached, port.TargetPort)
	}
	for _, rule := range objects["NetworkPolicy"].Spec.Ingress {
		for _, port := range rule.Ports {
			reached = append(reached, port.Port)
		}
	}
	for _, name := range reached {
		if !gatePorts[name] {
			t.Errorf("%s is let in and is no port of the gate", name)
		}
	}
	if len(reached) != 2*len(gatePorts) || len(gatePorts) != 3 {
		t.Errorf("%v are let in, the gate has %v", reached, slices.Collect(maps.Keys(gatePorts)))
	}
	caddyfile := objects["ConfigMap"].Data["Caddyfile"]
	if _, err := gatetest.Adapt(caddyfile); err != nil || !strings.Contains(caddyfile, "gatehouse elizaos 127.0.0.1:3000") {
		t.Errorf("the configuration: %v\n%s", err, caddyfile)
	}
}

// Behind each kind of proxy, the client is the one that the proxy tells of, and
// not the one that the client makes up.
func TestBehindProxy(t *testing.T) {
	for name, tell := range map[string]func(client string) []string{
		"Caddyfile":            func(c string) []string { return []string{"X-Forwarded-For", "192.0.2.66, " + c} },
		"Caddyfile.cloudflare": func(c string) []string { return []string{"X-Forwarded-For", "192.0.2.66, " + c, "Cf-Connecting-Ip", c} },
		"Caddyfile.tunnel":     func(c string) []string { return []string{"X-Forwarded-For", "192.0.2.66, " + c, "Cf-Connecting-Ip", c} },
	} {
		t.Run(name, func(t *testing.T) {
			text, err := os.ReadFile(filepath.Join("behind-proxy", name))
			if err != nil {
				t.Fatal(err)
			}
			env := filepath.Join(t.TempDir(), ".env")
			if err := os.WriteFile(env, []byte("ELIZA_SERVER_AUTH_TOKEN=the-token-of-the-backend-0123456789abcdef\n"), 0o600); err != nil {
				t.Fatal(err)
			}
			site := regexp.MustCompile(`(?m)^(http://)?agents\.example\.com(:8080)? \{`)
			proxies := regexp.MustCompile(`(?m)^\t\ttrusted_proxies static .*`)
			if !site.Match(text) || !proxies.Match(text) {
				t.Fatal("the example has another site, or no trusted_proxies")
			}
			caddyfile := strings.NewReplacer("127.0.0.1:3000", "BACKEND", "/srv/eliza/.env", env).Replace(
				site.ReplaceAllString(string(text), "GATE {"))
			for trusts, want := range map[string]string{"127.0.0.1": "198.51.100.7", "10.0.0.7": "127.0.0.1"} {
				g := gatetest.Start(t, proxies.ReplaceAllString(caddyfile, "\t\ttrusted_proxies static "+trusts))
				if res := g.Get("/api/agents", tell("198.51.100.7")...); res.Status != 401 {
					t.Errorf("without a key: %d", res.Status)
				}
				log := g.Log()
				if !strings.Contains(log, "[SECURITY] Unauthorized access attempt from "+want) {
					t.Errorf("trusting %s, the client is not %s:\n%s", trusts, want, log)
				}
				if warned := strings.Contains(log, "COUNTED AS ONE"); warned != (want == "127.0.0.1") {
					t.Errorf("trusting %s, the warning is there: %t\n%s", trusts, warned, log)
				}
			}
		})
	}
}
