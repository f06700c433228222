// provider-binding gives rendered Services to the published code of cloud providers and says which nodes each of them
// is bound to. It ends with 1 where these are not exactly the nodes of the Service's pool.
package main

import (
	"encoding/json"
	"flag"
	"fmt"
	"os"
	"slices"
	"strings"

	corev1 "k8s.io/api/core/v1"
)

// A provider is the code behind one of our platforms.
type provider struct {
	// Platform is its name in platforms/.
	Platform string `json:"platform"`
	// Module is the Go module with its version.
	Module string `json:"module"`
	// Functions are those of the module that choose the nodes.
	Functions []string `json:"functions"`
	// choose returns the nodes behind a Service.
	choose func(*corev1.Service, *tree, []*corev1.Node) ([]*corev1.Node, error)
}

// poolLabel is on every Service that kubectl largescale renders for a pool.
const poolLabel = "largescale.dev/pool"

func main() {
	code, err := run(os.Args[1:])
	if err != nil {
		fmt.Fprintln(os.Stderr, "error:", err)
	}
	os.Exit(code)
}

func run(arguments []string) (int, error) {
	if len(arguments) == 1 && arguments[0] == "list" {
		out := json.NewEncoder(os.Stdout)
		out.SetIndent("", "  ")
		return 0, out.Encode(providers)
	}
	if len(arguments) == 2 && arguments[0] == "cilium-gateways" {
		return printGateways(arguments[1])
	}
	flags := flag.NewFlagSet("provider-binding PLATFORM", flag.ContinueOnError)
	folder := flags.String("tree", "", "folder of rendered YAML files")
	file := flags.String("nodes", "", "kubectl get nodes -o json")
	label := flags.String("label", "", "the node label whose value is the pool")
	if len(arguments) == 0 {
		return 2, fmt.Errorf("which platform? %s, or list", names())
	}
	if err := flags.Parse(arguments[1:]); err != nil {
		return 2, err
	}
	at := slices.IndexFunc(providers, func(p provider) bool { return p.Platform == arguments[0] })
	if at < 0 {
		return 2, fmt.Errorf("no provider for platform %s: %s", arguments[0], names())
	}
	rendered, err := readTree(*folder)
	if err != nil {
		return 2, err
	}
	nodes, err := readNodes(*file)
	if err != nil {
		return 2, err
	}
	wrong, err := compare(providers[at], rendered, nodes, *label)
	if err != nil {
		return 1, err
	}
	if len(wrong) > 0 {
		return 1, fmt.Errorf("%s", strings.Join(wrong, "\n       "))
	}
	return 0, nil
}

func names() string {
	var all []string
	for _, p := range providers {
		all = append(all, p.Platform)
	}
	return strings.Join(all, ", ")
}

// compare asks the provider about every Service and holds the answer against the pool label of the nodes.
func compare(p provider, rendered *tree, nodes []*corev1.Node, label string) ([]string, error) {
	if len(rendered.services) == 0 {
		return nil, fmt.Errorf("no Service of type LoadBalancer in the tree")
	}
	var wrong []string
	left := poolsOf(nodes, label)
	for _, service := range rendered.services {
		pool := service.Labels[poolLabel]
		chosen, err := p.choose(service, rendered, nodes)
		if err != nil {
			return nil, fmt.Errorf("%s: %w", service.Name, err)
		}
		got, wanted := nodeNames(chosen), left.of(pool)
		if len(wanted) == 0 {
			wrong = append(wrong, fmt.Sprintf("%s: no node has %s=%s", service.Name, label, pool))
		} else if !slices.Equal(got, wanted) {
			wrong = append(wrong, fmt.Sprintf("%s: bound to %v, the pool %s is %v", service.Name, got, pool, wanted))
		}
		left.seen(pool)
		fmt.Printf("%s pool=%s nodes=%s\n", service.Name, pool, strings.Join(got, ","))
	}
	for _, pool := range left.unseen() {
		wrong = append(wrong, fmt.Sprintf("no Service is bound to the pool %s", pool))
	}
	return wrong, nil
}
