package main

import (
	"bufio"
	"bytes"
	"context"
	"errors"
	"fmt"
	"io"
	"os"
	"path/filepath"
	"slices"

	v1 "k8s.io/api/core/v1"
	metav1 "k8s.io/apimachinery/pkg/apis/meta/v1"
	"k8s.io/apimachinery/pkg/labels"
	"k8s.io/apimachinery/pkg/runtime"
	utilyaml "k8s.io/apimachinery/pkg/util/yaml"
	"k8s.io/client-go/kubernetes/fake"

	"sigs.k8s.io/external-dns/apis/v1alpha1"
	"sigs.k8s.io/external-dns/endpoint"
	"sigs.k8s.io/external-dns/source"
	"sigs.k8s.io/yaml"
)

// tree is what external-dns reads of a rendered folder, in the order of the file names.
type tree struct {
	services []*v1.Service
	records  []*v1alpha1.DNSEndpoint
}

func readTree(folder string) (*tree, error) {
	files, err := filepath.Glob(filepath.Join(folder, "*.yaml"))
	if err != nil {
		return nil, err
	}
	slices.Sort(files)
	read := &tree{}
	for _, file := range files {
		text, err := os.ReadFile(file)
		if err != nil {
			return nil, err
		}
		if err := read.add(text); err != nil {
			return nil, fmt.Errorf("%s: %w", filepath.Base(file), err)
		}
	}
	if len(read.services) == 0 {
		return nil, errors.New("no Service of type LoadBalancer")
	}
	return read, nil
}

func (t *tree) add(text []byte) error {
	documents := utilyaml.NewYAMLReader(bufio.NewReader(bytes.NewReader(text)))
	for {
		document, err := documents.Read()
		if errors.Is(err, io.EOF) {
			return nil
		}
		if err != nil {
			return err
		}
		kind := metav1.TypeMeta{}
		if err := yaml.Unmarshal(document, &kind); err != nil {
			return err
		}
		switch {
		case kind.APIVersion == "v1" && kind.Kind == "Service":
			service := &v1.Service{}
			if err := yaml.UnmarshalStrict(document, service); err != nil {
				return err
			}
			if service.Spec.Type == v1.ServiceTypeLoadBalancer {
				if service.Namespace == "" {
					service.Namespace = "default"
				}
				t.services = append(t.services, service)
			}
		case kind.APIVersion == "externaldns.k8s.io/v1alpha1" && kind.Kind == "DNSEndpoint":
			records := &v1alpha1.DNSEndpoint{}
			if err := yaml.UnmarshalStrict(document, records); err != nil {
				return err
			}
			t.records = append(t.records, records)
		}
	}
}

// giveAnswers puts 203.0.113.N, or lb-N.example.net, into the status of the Nth Service.
func (t *tree) giveAnswers(answers string) error {
	for index, service := range t.services {
		ingress := v1.LoadBalancerIngress{}
		switch answers {
		case "address":
			ingress.IP = fmt.Sprintf("203.0.113.%d", index+1)
		case "name":
			ingress.Hostname = fmt.Sprintf("lb-%d.example.net", index+1)
		default:
			return fmt.Errorf("--answers %s is neither address nor name", answers)
		}
		service.Status.LoadBalancer.Ingress = []v1.LoadBalancerIngress{ingress}
	}
	return nil
}

func (t *tree) endpoints() ([]*endpoint.Endpoint, error) {
	ctx, cancel := context.WithCancel(context.Background())
	defer cancel()
	objects := make([]runtime.Object, 0, len(t.services))
	for _, service := range t.services {
		objects = append(objects, service)
	}
	services, err := source.NewServiceSource(ctx, fake.NewClientset(objects...), &source.Config{LabelFilter: labels.Everything()})
	if err != nil {
		return nil, err
	}
	found, err := services.Endpoints(ctx)
	if err != nil {
		return nil, err
	}
	for _, records := range t.records {
		found = append(found, records.Spec.Endpoints...)
	}
	return found, nil
}
