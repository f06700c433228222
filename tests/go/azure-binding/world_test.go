// Package azurebinding proves, through exported API only, which machines the
// real Azure provider puts behind the load balancer of a Service.
package azurebinding

import (
	"context"
	"slices"
	"strings"
	"sync"
	"testing"
	"time"

	"go.uber.org/mock/gomock"
	v1 "k8s.io/api/core/v1"
	"k8s.io/apimachinery/pkg/runtime"
	"k8s.io/client-go/informers"
	"k8s.io/client-go/kubernetes/fake"

	"github.com/Azure/azure-sdk-for-go/sdk/resourcemanager/compute/armcompute/v7"
	"github.com/Azure/azure-sdk-for-go/sdk/resourcemanager/network/armnetwork/v9"
	"sigs.k8s.io/cloud-provider-azure/pkg/provider"
	"sigs.k8s.io/cloud-provider-azure/pkg/provider/config"
)

// machine is a VM that is a node.
type machine struct {
	node *v1.Node
	set  string // its availability set or scale set
}

// world is the real provider with Azure's REST API replaced by maps.
type world struct {
	az       *provider.Cloud
	machines []machine

	mu    sync.Mutex // the provider updates the machines' NICs side by side
	vms   map[string]*armcompute.VirtualMachine
	nics  map[string]*armnetwork.Interface
	lbs   map[string]*armnetwork.LoadBalancer
	pips  map[string]*armnetwork.PublicIPAddress
	rules armnetwork.SecurityGroup

	pause  time.Duration // how long a write of a load balancer takes
	writes int           // their number
	now    int           // those that have not ended
	most   int           // the most at the same time
}

// write counts a write of a load balancer, which takes its time.
func (w *world) write() {
	w.mu.Lock()
	w.writes++
	w.now++
	w.most = max(w.most, w.now)
	w.mu.Unlock()
	time.Sleep(w.pause)
	w.mu.Lock()
	w.now--
	w.mu.Unlock()
}

// newWorld makes the machines and lets the provider start with this
// configuration, of which the test cloud's own fills the empty fields.
func newWorld(t *testing.T, cfg config.Config, machines []machine) *world {
	t.Helper()
	az := provider.GetTestCloud(gomock.NewController(t))
	w := &world{
		az: az, machines: machines,
		vms:  map[string]*armcompute.VirtualMachine{},
		nics: map[string]*armnetwork.Interface{},
		lbs:  map[string]*armnetwork.LoadBalancer{},
		pips: map[string]*armnetwork.PublicIPAddress{},
	}
	w.playAzure()

	objects := make([]runtime.Object, 0, len(machines))
	for _, m := range machines {
		objects = append(objects, m.node)
	}
	az.KubeClient = fake.NewClientset(objects...)
	ctx, cancel := context.WithCancel(context.Background())
	t.Cleanup(cancel)

	// GetTestCloud fills in a mock where the provider has its backend pools;
	// starting the cloud replaces that with the real ones. What the API of
	// Azure is made of, the clients, it leaves alone.
	mine := az.Config
	mine.LoadBalancerSKU = cfg.LoadBalancerSKU
	mine.MultipleStandardLoadBalancerConfigurations = cfg.MultipleStandardLoadBalancerConfigurations
	for _, field := range []struct{ to, from *string }{
		{&mine.VMType, &cfg.VMType},
		{&mine.PrimaryAvailabilitySetName, &cfg.PrimaryAvailabilitySetName},
		{&mine.PrimaryScaleSetName, &cfg.PrimaryScaleSetName},
		{&mine.LoadBalancerBackendPoolConfigurationType, &cfg.LoadBalancerBackendPoolConfigurationType},
	} {
		if *field.from != "" {
			*field.to = *field.from
		}
	}
	mine.DisableAvailabilitySetNodes = cfg.DisableAvailabilitySetNodes
	if err := az.InitializeCloudFromConfig(ctx, &mine, false, false); err != nil {
		t.Fatal(err)
	}
	if _, mocked := az.LoadBalancerBackendPool.(*provider.MockBackendPool); mocked {
		t.Fatal("the backend pools are still the mock")
	}

	// The node caches decide who is excluded and which address is whose.
	factory := informers.NewSharedInformerFactory(az.KubeClient, 0)
	az.SetInformers(factory)
	factory.Start(ctx.Done())
	factory.WaitForCacheSync(ctx.Done())
	for began := time.Now(); ; time.Sleep(10 * time.Millisecond) {
		names, err := az.GetNodeNames()
		if err != nil {
			t.Fatal(err)
		}
		if names.Len() == len(machines) {
			return w
		}
		if time.Since(began) > time.Minute {
			t.Fatalf("the provider's node cache has %d of %d nodes", names.Len(), len(machines))
		}
	}
}

func (w *world) nodes() []*v1.Node {
	nodes := make([]*v1.Node, 0, len(w.machines))
	for _, m := range w.machines {
		nodes = append(nodes, m.node)
	}
	return nodes
}

// testable stops where exported API ends: for an internal Service the provider
// asks its subnet repository, which is a mock that nobody outside can instruct.
func testable(t *testing.T, services []*v1.Service) {
	t.Helper()
	for _, s := range services {
		if s.Annotations["service.beta.kubernetes.io/azure-load-balancer-internal"] == "true" {
			t.Fatalf("%s is internal, which cannot be tested here: render without internal load balancers", s.Name)
		}
	}
}

// followsPods: among several Standard load balancers a Service with the policy
// Local gets a pool of its own, of the nodes that have its pods.
func (w *world) followsPods(s *v1.Service) bool {
	return w.az.UseMultipleStandardLoadBalancers() && s.Spec.ExternalTrafficPolicy == v1.ServiceExternalTrafficPolicyTypeLocal
}

func (w *world) ensure(cluster string, s *v1.Service) error {
	_, err := w.az.EnsureLoadBalancer(context.Background(), cluster, s, w.nodes())
	return err
}

// ensureFiltered leaves out what the service controller leaves out before it
// calls the provider.
func (w *world) ensureFiltered(cluster string, s *v1.Service) error {
	nodes := slices.DeleteFunc(w.nodes(), excludedByServiceController)
	_, err := w.az.EnsureLoadBalancer(context.Background(), cluster, s, nodes)
	return err
}

func (w *world) loadBalancers() []string {
	names := []string{}
	for name := range w.lbs {
		names = append(names, name)
	}
	slices.Sort(names)
	return names
}

// loadBalancersOf are those that carry rules of a Service: their names begin
// with the name that the provider derives from the Service's UID.
func (w *world) loadBalancersOf(s *v1.Service) []string {
	prefix := w.az.GetLoadBalancerName(context.Background(), "", s)
	var found []string
	for name, lb := range w.lbs {
		if slices.ContainsFunc(lb.Properties.LoadBalancingRules, func(rule *armnetwork.LoadBalancingRule) bool {
			return strings.HasPrefix(*rule.Name, prefix)
		}) {
			found = append(found, name)
		}
	}
	slices.Sort(found)
	return found
}

// members are the nodes behind a load balancer, by their NICs (Basic) or by
// their addresses (the pool type that several Standard ones need).
func (w *world) members(lb string) []string {
	var found []string
	for name, nic := range w.nics {
		for _, ip := range nic.Properties.IPConfigurations {
			for _, pool := range ip.Properties.LoadBalancerBackendAddressPools {
				if loadBalancerInID(*pool.ID) == lb {
					found = append(found, name)
				}
			}
		}
	}
	if known := w.lbs[lb]; known != nil {
		for _, pool := range known.Properties.BackendAddressPools {
			for _, address := range pool.Properties.LoadBalancerBackendAddresses {
				found = append(found, *address.Name)
			}
		}
	}
	slices.Sort(found)
	return slices.Compact(found)
}
