package azurebinding

import (
	"fmt"
	"os"
	"slices"
	"strings"
	"testing"

	v1 "k8s.io/api/core/v1"
	"sigs.k8s.io/cloud-provider-azure/pkg/provider/config"
)

const (
	poolLabel    = "largescale.dev/pool"
	serviceLabel = "largescale.dev/service" // which Service of the manifests it is a copy of
)

// TestRenderedServices gives the Services that kubectl largescale rendered for
// `platform: azure-basic` to the real provider.
func TestRenderedServices(t *testing.T) {
	need(t, treeVariable, nodesVariable)
	services, err := readServices(os.Getenv(treeVariable))
	if err != nil {
		t.Fatal(err)
	}
	nodes, err := readNodes(os.Getenv(nodesVariable))
	if err != nil {
		t.Fatal(err)
	}
	truth, err := findTruth(nodes, excludedWithNICs)
	if err != nil {
		t.Fatal(err)
	}
	for _, problem := range bindBasic(t, truth, services) {
		t.Error(problem)
	}
}

// bindBasic returns what is wrong: a Service bound to other machines than
// those of its pool, a pool without a Service or with two.
func bindBasic(t *testing.T, truth *truth, services []*v1.Service) (problems []string) {
	t.Helper()
	testable(t, services)
	if truth.usesScaleSets() {
		t.Fatal("these nodes are in scale sets, which this test does not play (Basic load balancers of ACS-Engine have availability sets)")
	}
	primary := truth.sets[truth.pools[0]]
	w := newWorld(t, config.Config{LoadBalancerSKU: "basic", PrimaryAvailabilitySetName: primary}, truth.machines)
	bound := services[:0:0]
	for _, s := range services {
		if err := w.ensure(cluster, s); err != nil {
			problems = append(problems, fmt.Sprintf("%s: %v", s.Name, err))
			continue
		}
		bound = append(bound, s)
	}
	expect := func(pool string) string {
		if truth.sets[pool] == primary {
			return cluster // the primary set's load balancer is named after the cluster
		}
		return truth.sets[pool]
	}
	return append(problems, compare(t, w, truth, bound, services, expect)...)
}

// compare holds the load balancers of the world against the truth.
func compare(t *testing.T, w *world, truth *truth, bound, all []*v1.Service, expect func(pool string) string) (problems []string) {
	t.Helper()
	complain := func(format string, args ...any) { problems = append(problems, fmt.Sprintf(format, args...)) }
	for _, s := range bound {
		pool := s.Labels[poolLabel]
		if truth.sets[pool] == "" {
			complain("%s: its label says pool %q, which no node is in", s.Name, pool)
			continue
		}
		lbs := w.loadBalancersOf(s)
		// Azure's names know no case, and the load balancer gets the annotation's.
		if want := expect(pool); len(lbs) != 1 || !strings.EqualFold(lbs[0], want) {
			complain("%s: it is on the load balancers %v, not on %s", s.Name, lbs, want)
			continue
		}
		if w.followsPods(s) {
			t.Logf("%s: pool %s, load balancer %s; which machines is up to the pods", s.Name, pool, lbs[0])
			continue
		}
		members := w.members(lbs[0])
		if !slices.Equal(members, truth.members[pool]) {
			complain("%s: behind its load balancer %s are %v, and pool %s is %v", s.Name, lbs[0], members, pool, truth.members[pool])
		}
		for _, m := range truth.machines {
			if isControlPlane(m.node) && slices.Contains(members, m.node.Name) {
				complain("%s: the control-plane node %s is behind its load balancer", s.Name, m.node.Name)
			}
		}
		t.Logf("%s: pool %s, load balancer %s, %d machines", s.Name, pool, lbs[0], len(members))
	}
	return append(problems, coverage(truth, all)...)
}

// coverage wants exactly one copy of each Service for each pool.
func coverage(truth *truth, services []*v1.Service) (problems []string) {
	copies := map[string]map[string]string{} // Service of the manifests -> pool -> copy
	var order []string
	for _, s := range services {
		source := s.Namespace + "/" + s.Labels[serviceLabel]
		pool := s.Labels[poolLabel]
		if copies[source] == nil {
			copies[source] = map[string]string{}
			order = append(order, source)
		}
		if other := copies[source][pool]; other != "" {
			problems = append(problems, fmt.Sprintf("%s and %s share the pool %q", other, s.Name, pool))
		}
		copies[source][pool] = s.Name
	}
	if len(services) == 0 {
		problems = append(problems, "no Service of type LoadBalancer")
	}
	for _, source := range order {
		for _, pool := range truth.pools {
			if copies[source][pool] == "" {
				problems = append(problems, fmt.Sprintf("pool %s has no Service (of %s)", pool, source))
			}
		}
	}
	return problems
}
