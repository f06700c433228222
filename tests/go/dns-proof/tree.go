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
	gatewayv1 "sigs.k8s.io/gateway-api/apis/v1"

	"sigs.k8s.io/external-dns/apis/v1alpha1"
	"sigs.k8s.io/external-dns/endpoint"
	"sigs.k8s.io/external-dns/source"
	"sigs.k8s.io/yaml"
)

// tree is what external-dns reads of a rendered folder, in the order of the file names.
type tree struct {
	services []*v1.Service
	records  []*v1alpha1.DNSEndpoint
	gateways []*gatewayv1.Gateway
	routes   []*gatewayv1.HTTPRoute
	// serviceTypes has the type of Service that an EnvoyProxy asks for, by namespace and name.
	serviceTypes map[string]v1.ServiceType
	made         []made
}

func readTree(folder string) (*tree, error) {
	files, err := filepath.Glob(filepath.Join(folder, "*.yaml"))
	if err != nil {
		return nil, err
	}
	slices.Sort(files)
	read := &tree{serviceTypes: map[string]v1.ServiceType{}}
	for _, file := range files {
		text, err := os.ReadFile(file)
		if err != nil {
			return nil, err
		}
		if err := read.add(text); err != nil {
			return nil, fmt.Errorf("%s: %w", filepath.Base(file), err)
		}
	}
	read.playImplementation()
	isBalanced := func(service *v1.Service) bool { return service.Spec.Type == v1.ServiceTypeLoadBalancer }
	if !slices.ContainsFunc(read.services, isBalanced) {
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
		case kind.APIVersion == "gateway.networking.k8s.io/v1" && kind.Kind == "Gateway":
			gateway := &gatewayv1.Gateway{}
			if err := yaml.UnmarshalStrict(document, gateway); err != nil {
				return err
			}
			t.gateways = append(t.gateways, gateway)
		case kind.APIVersion == "gateway.networking.k8s.io/v1" && kind.Kind == "HTTPRoute":
			route := &gatewayv1.HTTPRoute{}
			if err := yaml.UnmarshalStrict(document, route); err != nil {
				return err
			}
			t.routes = append(t.routes, route)
		case kind.Kind == "EnvoyProxy":
			proxy := envoyProxy{}
			if err := yaml.Unmarshal(document, &proxy); err != nil {
				return err
			}
			t.serviceTypes[proxy.Namespace+"/"+proxy.Name] = proxy.Spec.Provider.Kubernetes.EnvoyService.Type
		}
	}
}

// giveAnswers puts 203.0.113.N, or lb-N.example.net, into the status of the Nth Service of type LoadBalancer.
func (t *tree) giveAnswers(answers string) error {
	for index, service := range t.services {
		if service.Spec.Type != v1.ServiceTypeLoadBalancer {
			continue
		}
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
	t.reportAddresses()
	return nil
}

// endpoints has what the named sources of external-dns find, in their order.
func (t *tree) endpoints(sources []string) ([]*endpoint.Endpoint, error) {
	ctx, cancel := context.WithCancel(context.Background())
	defer cancel()
	config := &source.Config{LabelFilter: labels.Everything()}
	var found []*endpoint.Endpoint
	for _, name := range sources {
		var from source.Source
		var err error
		switch name {
		case "service":
			objects := make([]runtime.Object, 0, len(t.services))
			for _, service := range t.services {
				objects = append(objects, service)
			}
			from, err = source.NewServiceSource(ctx, fake.NewClientset(objects...), config)
		case "gateway-httproute":
			from, err = t.routeSource(ctx, config)
		case "crd":
			for _, records := range t.records {
				found = append(found, records.Spec.Endpoints...)
			}
			continue
		default:
			err = errors.New("unknown")
		}
		if err != nil {
			return nil, fmt.Errorf("--source %s: %w", name, err)
		}
		endpoints, err := from.Endpoints(ctx)
		if err != nil {
			return nil, fmt.Errorf("--source %s: %w", name, err)
		}
		found = append(found, endpoints...)
	}
	return found, nil
}
