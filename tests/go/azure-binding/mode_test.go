package azurebinding

import (
	"fmt"
	"slices"
	"strings"
	"testing"

	v1 "k8s.io/api/core/v1"
	metav1 "k8s.io/apimachinery/pkg/apis/meta/v1"
	"sigs.k8s.io/cloud-provider-azure/pkg/provider/config"
)

const (
	mode    = "service.beta.kubernetes.io/azure-load-balancer-mode"
	cluster = "prod"
)

// machinesOf makes some machines in each availability set; the first one is
// the primary one.
func machinesOf(perSet int, sets ...string) []machine {
	var out []machine
	for _, set := range sets {
		for i := range perSet {
			name := fmt.Sprintf("%s-%d", set, i)
			out = append(out, machine{set: set, node: &v1.Node{
				ObjectMeta: metav1.ObjectMeta{Name: name, Labels: map[string]string{v1.LabelHostname: name}},
				Status:     v1.NodeStatus{Addresses: []v1.NodeAddress{{Type: v1.NodeInternalIP, Address: privateIP(len(out))}}},
			}})
		}
	}
	return out
}

func webService(annotations map[string]string) *v1.Service {
	s := &v1.Service{
		ObjectMeta: metav1.ObjectMeta{Name: "web", Annotations: annotations},
		Spec:       v1.ServiceSpec{Type: v1.ServiceTypeLoadBalancer, Ports: []v1.ServicePort{{Port: 80}}},
	}
	admit(s, 0)
	return s
}

func TestModeAnnotationChoosesTheAvailabilitySet(t *testing.T) {
	for _, c := range []struct {
		name, mode, lb string
		joined         string // how the names of the machines begin
		fails          string
	}{
		{"no annotation: the primary set", "", cluster, "agentpool1-", ""},
		{"a named set", "agentpool2-availabilitySet", "agentpool2-availabilitySet", "agentpool2-", ""},
		{"another case", "AGENTPOOL2-availabilityset", "AGENTPOOL2-availabilityset", "agentpool2-", ""},
		{"a set that does not exist", "agentpool9", "", "", "not found"},
		{"two sets with a comma", "agentpool1-availabilitySet,agentpool2-availabilitySet", "", "", "not found"},
	} {
		t.Run(c.name, func(t *testing.T) {
			sets := []string{"agentpool1-availabilitySet", "agentpool2-availabilitySet", "agentpool3-availabilitySet"}
			w := newWorld(t, config.Config{LoadBalancerSKU: "basic", PrimaryAvailabilitySetName: sets[0]}, machinesOf(3, sets...))
			var annotations map[string]string
			if c.mode != "" {
				annotations = map[string]string{mode: c.mode}
			}
			err := w.ensure(cluster, webService(annotations))
			if c.fails != "" {
				if err == nil || !strings.Contains(err.Error(), c.fails) {
					t.Fatalf("want an error with %q, got %v", c.fails, err)
				}
				return
			}
			if err != nil {
				t.Fatal(err)
			}
			if lbs := w.loadBalancers(); !slices.Equal(lbs, []string{c.lb}) {
				t.Fatalf("load balancers %v, not %s", lbs, c.lb)
			}
			joined := w.members(c.lb)
			if len(joined) != 3 || slices.ContainsFunc(joined, func(name string) bool { return !strings.HasPrefix(name, c.joined) }) {
				t.Fatalf("joined %v", joined)
			}
		})
	}
}

func TestStandardLoadBalancerIgnoresTheMode(t *testing.T) {
	sets := []string{"agentpool1-availabilitySet", "agentpool2-availabilitySet"}
	w := newWorld(t, config.Config{LoadBalancerSKU: "standard", PrimaryAvailabilitySetName: sets[0]}, machinesOf(3, sets...))
	if err := w.ensure(cluster, webService(map[string]string{mode: sets[1]})); err != nil {
		t.Fatal(err)
	}
	if lbs := w.loadBalancers(); !slices.Equal(lbs, []string{cluster}) || len(w.members(cluster)) != 6 {
		t.Fatalf("all the machines should be behind the one load balancer: %v, %v", lbs, w.members(cluster))
	}
}
