// Kubecheck holds Kubernetes manifests against the types of Kubernetes' own
// API: a field that the API server does not know, a value of another type and
// a key that is there twice are errors. It says nothing of values that only a
// cluster can judge.
//
//	go run -C tools ./kubecheck ../examples/kubernetes/gatehouse.yaml
package main

import (
	"errors"
	"fmt"
	"io"
	"os"

	goyaml "go.yaml.in/yaml/v3"
	apps "k8s.io/api/apps/v1"
	core "k8s.io/api/core/v1"
	networking "k8s.io/api/networking/v1"
	"sigs.k8s.io/yaml"
)

// kinds are the types of what may stand in a manifest.
var kinds = map[string]func() any{
	"v1 ConfigMap":                       func() any { return new(core.ConfigMap) },
	"v1 Namespace":                       func() any { return new(core.Namespace) },
	"v1 PersistentVolumeClaim":           func() any { return new(core.PersistentVolumeClaim) },
	"v1 Secret":                          func() any { return new(core.Secret) },
	"v1 Service":                         func() any { return new(core.Service) },
	"apps/v1 Deployment":                 func() any { return new(apps.Deployment) },
	"networking.k8s.io/v1 NetworkPolicy": func() any { return new(networking.NetworkPolicy) },
}

func main() {
	failed := false
	for _, path := range os.Args[1:] {
		if err := check(path); err != nil {
			fmt.Fprintf(os.Stderr, "%s: %v\n", path, err)
			failed = true
		}
	}
	if failed || len(os.Args) < 2 {
		os.Exit(1)
	}
}

func check(path string) error {
	file, err := os.Open(path)
	if err != nil {
		return err
	}
	defer file.Close()
	documents := goyaml.NewDecoder(file)
	for number := 1; ; number++ {
		var node goyaml.Node
		if err := documents.Decode(&node); errors.Is(err, io.EOF) {
			return nil
		} else if err != nil {
			return err
		}
		text, err := goyaml.Marshal(&node)
		if err != nil {
			return err
		}
		if err := decode(text); err != nil {
			return fmt.Errorf("document %d: %w", number, err)
		}
	}
}

// decode reads one document as the type that it says it is of.
func decode(text []byte) error {
	var said struct{ APIVersion, Kind string }
	if err := yaml.Unmarshal(text, &said); err != nil {
		return err
	}
	kind := said.APIVersion + " " + said.Kind
	object := kinds[kind]
	if object == nil {
		return fmt.Errorf("%q is not among the kinds that are checked", kind)
	}
	if err := yaml.UnmarshalStrict(text, object()); err != nil {
		return fmt.Errorf("%s: %w", kind, err)
	}
	fmt.Println(kind, "ok")
	return nil
}
