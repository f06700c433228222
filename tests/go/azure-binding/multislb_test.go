package azurebinding

import (
	"cmp"
	"fmt"
	"os"
	"strings"
	"testing"

	v1 "k8s.io/api/core/v1"
	"sigs.k8s.io/cloud-provider-azure/pkg/provider/config"
)

const (
	configurations  = "service.beta.kubernetes.io/azure-load-balancer-configurations"
	clusterVariable = "LARGESCALE_CLUSTER" // name of the cluster; AKS calls each one "kubernetes"
)

// TestRenderedMultipleStandardLoadBalancers gives the provider the Services of
// `platform: azure-multi-slb` and the configuration that goes with them.
func TestRenderedMultipleStandardLoadBalancers(t *testing.T) {
	need(t, treeVariable, nodesVariable, configVariable)
	cfg, err := readConfig(os.Getenv(configVariable))
	if err != nil {
		t.Fatal(err)
	}
	services, err := readServices(os.Getenv(treeVariable))
	if err != nil {
		t.Fatal(err)
	}
	nodes, err := readNodes(os.Getenv(nodesVariable))
	if err != nil {
		t.Fatal(err)
	}
	truth, err := findTruth(nodes, excludedByServiceController)
	if err != nil {
		t.Fatal(err)
	}
	for _, problem := range bindMultiple(t, cfg, cmp.Or(os.Getenv(clusterVariable), "kubernetes"), truth, services) {
		t.Error(problem)
	}
}

func bindMultiple(t *testing.T, cfg *config.Config, cluster string, truth *truth, services []*v1.Service) (problems []string) {
	t.Helper()
	testable(t, services)
	if !cfg.UseMultipleStandardLoadBalancers() {
		return []string{"the configuration does not ask for several Standard load balancers"}
	}
	byPool := map[string]string{} // pool -> load balancer, through the VM set
	for _, c := range cfg.MultipleStandardLoadBalancerConfigurations {
		for pool, set := range truth.sets {
			if strings.EqualFold(set, c.PrimaryVMSet) {
				byPool[pool] = c.Name
			}
		}
	}
	for _, pool := range truth.pools {
		if byPool[pool] == "" {
			problems = append(problems, fmt.Sprintf("no configuration has the VM set of pool %s, %s", pool, truth.sets[pool]))
		}
	}
	for _, s := range services {
		if want := byPool[s.Labels[poolLabel]]; s.Annotations[configurations] != want {
			problems = append(problems, fmt.Sprintf("%s: it asks for %q, and its pool's load balancer is %q", s.Name, s.Annotations[configurations], want))
		}
	}

	started := *cfg
	started.PrimaryAvailabilitySetName = truth.sets[truth.pools[0]]
	if truth.usesScaleSets() {
		started.VMType, started.DisableAvailabilitySetNodes = "vmss", true
		started.PrimaryScaleSetName = started.PrimaryAvailabilitySetName
	}
	w := newWorld(t, started, truth.machines)
	// A node joins its own load balancer as soon as that exists, and another
	// one before. So the first round only makes them all; the service
	// controller comes by again whenever something changes.
	bound := services[:0:0]
	for round := range 2 {
		for _, s := range services {
			if err := w.ensureFiltered(cluster, s); err != nil {
				if round == 0 {
					problems = append(problems, fmt.Sprintf("%s: %v", s.Name, err))
				}
				continue
			}
			if round == 1 {
				bound = append(bound, s)
			}
		}
	}
	return append(problems, compare(t, w, truth, bound, services, func(pool string) string { return byPool[pool] })...)
}
