package main

import (
	"context"
	"encoding/json"
	"flag"
	"fmt"
	"io"
	"log"
	"net/netip"
	"os"
	"os/signal"
	"sync"
	"syscall"

	v1 "k8s.io/api/core/v1"
	metav1 "k8s.io/apimachinery/pkg/apis/meta/v1"
	"k8s.io/client-go/informers"
	"k8s.io/client-go/kubernetes"
	cloudprovider "k8s.io/cloud-provider"
	"k8s.io/cloud-provider/controllers/service"
	"k8s.io/component-base/featuregate"
	controllersmetrics "k8s.io/component-base/metrics/prometheus/controllers"
)

// runServiceLB runs the real service controller, the one in every cloud
// controller manager, with a cloud that only has load balancers.
func runServiceLB(args []string) error {
	fs := flag.NewFlagSet("service-lb", flag.ExitOnError)
	kubeconfig := fs.String("kubeconfig", "", "who to be")
	calls := fs.String("calls", "", "file that gets one JSON line for each call the service controller makes")
	from := fs.String("addresses", defaultAddresses, "block of IPv4 addresses to give out")
	_ = fs.Parse(args) // ExitOnError: it does not return an error
	block, err := addressBlock(*from)
	if err != nil {
		return err
	}
	ctx, cancel := signal.NotifyContext(context.Background(), syscall.SIGTERM, syscall.SIGINT)
	defer cancel()
	client, err := connect(*kubeconfig)
	if err != nil {
		return err
	}
	out, err := os.OpenFile(*calls, os.O_WRONLY|os.O_CREATE|os.O_APPEND, 0o600)
	if err != nil {
		return err
	}
	defer out.Close()
	cloud := newLoopbackCloud(block, out)
	if err := cloud.remember(ctx, client); err != nil {
		return err
	}
	factory := informers.NewSharedInformerFactory(client, 0)
	controller, err := service.New(cloud, client,
		factory.Core().V1().Services(), factory.Core().V1().Nodes(), "test", featuregate.NewFeatureGate())
	if err != nil {
		return err
	}
	factory.Start(ctx.Done())
	controller.Run(ctx, 4, controllersmetrics.NewControllerManagerMetrics("service-lb"))
	return nil
}

// defaultAddresses is the block for benchmarks: no machine has these addresses.
const defaultAddresses = "198.18.0.0/15"

// addressBlock reads a block of IPv4 addresses.
func addressBlock(text string) (netip.Prefix, error) {
	block, err := netip.ParsePrefix(text)
	if err != nil || !block.Addr().Is4() || block.Bits() > 24 {
		return netip.Prefix{}, fmt.Errorf("%q is not a block of at least 256 IPv4 addresses", text)
	}
	return block.Masked(), nil
}

// refusedSetting is an annotation that the cloud refuses. A load balancer that
// exists stays as it is.
const refusedSetting = "test.largescale.dev/refused"

// loopbackCloud gives out addresses and writes down what it was asked.
type loopbackCloud struct {
	mu    sync.Mutex
	ips   map[string]string // namespace/name -> address
	block netip.Prefix
	last  netip.Addr // the highest address that was given out
	out   *json.Encoder
}

func newLoopbackCloud(block netip.Prefix, out io.Writer) *loopbackCloud {
	return &loopbackCloud{ips: map[string]string{}, block: block, last: block.Addr(), out: json.NewEncoder(out)}
}

// remember takes the addresses of Services that have one: a cloud outlives the
// programs that ask it.
func (c *loopbackCloud) remember(ctx context.Context, client kubernetes.Interface) error {
	services, err := client.CoreV1().Services("").List(ctx, metav1.ListOptions{})
	if err != nil {
		return err
	}
	for _, s := range services.Items {
		for _, ingress := range s.Status.LoadBalancer.Ingress {
			address, err := netip.ParseAddr(ingress.IP)
			if err != nil || !c.block.Contains(address) {
				continue
			}
			c.ips[key(&s)] = ingress.IP
			if c.last.Less(address) {
				c.last = address
			}
		}
	}
	return nil
}

func (c *loopbackCloud) Initialize(cloudprovider.ControllerClientBuilder, <-chan struct{}) {}
func (c *loopbackCloud) LoadBalancer() (cloudprovider.LoadBalancer, bool)                  { return c, true }
func (c *loopbackCloud) Instances() (cloudprovider.Instances, bool)                        { return nil, false }
func (c *loopbackCloud) InstancesV2() (cloudprovider.InstancesV2, bool)                    { return nil, false }
func (c *loopbackCloud) Zones() (cloudprovider.Zones, bool)                                { return nil, false }
func (c *loopbackCloud) Clusters() (cloudprovider.Clusters, bool)                          { return nil, false }
func (c *loopbackCloud) Routes() (cloudprovider.Routes, bool)                              { return nil, false }
func (c *loopbackCloud) ProviderName() string                                              { return "loopback" }
func (c *loopbackCloud) HasClusterID() bool                                                { return true }

func key(s *v1.Service) string { return s.Namespace + "/" + s.Name }

// status is the address of a Service: the same for as long as it lives, and
// one that no other has. It starts again at the first one after the last.
func (c *loopbackCloud) status(s *v1.Service) *v1.LoadBalancerStatus {
	if c.ips[key(s)] == "" {
		c.last = c.last.Next()
		if !c.block.Contains(c.last) {
			c.last = c.block.Addr().Next()
		}
		c.ips[key(s)] = c.last.String()
	}
	return &v1.LoadBalancerStatus{Ingress: []v1.LoadBalancerIngress{{IP: c.ips[key(s)]}}}
}

func (c *loopbackCloud) note(call string, s *v1.Service, nodes []*v1.Node) error {
	names := make([]string, 0, len(nodes))
	for _, n := range nodes {
		names = append(names, n.Name)
	}
	log.Printf("%s %s, %d nodes", call, key(s), len(nodes))
	return c.out.Encode(map[string]any{
		"call": call, "service": key(s), "annotations": s.Annotations, "nodes": names,
	})
}

func (c *loopbackCloud) GetLoadBalancerName(_ context.Context, _ string, s *v1.Service) string {
	return cloudprovider.DefaultLoadBalancerName(s)
}

func (c *loopbackCloud) GetLoadBalancer(_ context.Context, _ string, s *v1.Service) (*v1.LoadBalancerStatus, bool, error) {
	c.mu.Lock()
	defer c.mu.Unlock()
	if c.ips[key(s)] == "" {
		return nil, false, nil
	}
	return c.status(s), true, nil
}

func (c *loopbackCloud) EnsureLoadBalancer(_ context.Context, _ string, s *v1.Service, nodes []*v1.Node) (*v1.LoadBalancerStatus, error) {
	c.mu.Lock()
	defer c.mu.Unlock()
	if err := c.note("ensure", s, nodes); err != nil {
		return nil, err
	}
	if setting := s.Annotations[refusedSetting]; setting != "" {
		return nil, fmt.Errorf("the cloud refuses %q", setting)
	}
	return c.status(s), nil
}

func (c *loopbackCloud) UpdateLoadBalancer(_ context.Context, _ string, s *v1.Service, nodes []*v1.Node) error {
	c.mu.Lock()
	defer c.mu.Unlock()
	return c.note("update", s, nodes)
}

func (c *loopbackCloud) EnsureLoadBalancerDeleted(_ context.Context, _ string, s *v1.Service) error {
	c.mu.Lock()
	defer c.mu.Unlock()
	delete(c.ips, key(s))
	return c.note("delete", s, nil)
}
