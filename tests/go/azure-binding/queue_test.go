package azurebinding

import (
	"context"
	"fmt"
	"testing"
	"time"

	v1 "k8s.io/api/core/v1"
	metav1 "k8s.io/apimachinery/pkg/apis/meta/v1"
	"k8s.io/client-go/informers"
	servicecontroller "k8s.io/cloud-provider/controllers/service"
	"k8s.io/component-base/featuregate"
	controllersmetrics "k8s.io/component-base/metrics/prometheus/controllers"
	"sigs.k8s.io/cloud-provider-azure/pkg/provider/config"
)

// The service controller of Kubernetes with several workers in front of the
// real provider: Azure still gets one Service after the other. So the last
// load balancer is right after Services x seconds, whatever
// --concurrent-service-syncs is.
func TestTheQueueHandlesOneServiceAfterTheOther(t *testing.T) {
	const services, workers, pause = 8, 4, 50 * time.Millisecond
	const set = "agentpool1-availabilitySet"
	machines := machinesOf(2, set)
	for _, m := range machines {
		m.node.Spec.ProviderID = "azure:///" + m.node.Name
		m.node.Status.Conditions = []v1.NodeCondition{{Type: v1.NodeReady, Status: v1.ConditionTrue}}
	}
	w := newWorld(t, config.Config{LoadBalancerSKU: "basic", PrimaryAvailabilitySetName: set}, machines)
	w.pause = pause
	ctx, cancel := context.WithCancel(context.Background())
	defer cancel()

	client := w.az.KubeClient
	factory := informers.NewSharedInformerFactory(client, 0)
	controller, err := servicecontroller.New(w.az, client, factory.Core().V1().Services(), factory.Core().V1().Nodes(), cluster, featuregate.NewFeatureGate())
	if err != nil {
		t.Fatal(err)
	}
	factory.Start(ctx.Done())
	for i := range services {
		s := &v1.Service{
			ObjectMeta: metav1.ObjectMeta{Name: fmt.Sprintf("web-%d", i), Namespace: "default"},
			Spec:       v1.ServiceSpec{Type: v1.ServiceTypeLoadBalancer, Ports: []v1.ServicePort{{Port: 80}}},
		}
		admit(s, i)
		if _, err := client.CoreV1().Services("default").Create(ctx, s, metav1.CreateOptions{}); err != nil {
			t.Fatal(err)
		}
	}
	began := time.Now()
	go controller.Run(ctx, workers, controllersmetrics.NewControllerManagerMetrics("test"))
	for ; ready(t, w) < services; time.Sleep(5 * time.Millisecond) {
		if time.Since(began) > time.Minute {
			t.Fatalf("%d of %d Services have an address after a minute", ready(t, w), services)
		}
	}
	took := time.Since(began)
	w.mu.Lock()
	defer w.mu.Unlock()
	if w.writes < services {
		t.Fatalf("%d writes for %d Services", w.writes, services)
	}
	if w.most != 1 {
		t.Errorf("%d workers wrote %d load balancers at the same time", workers, w.most)
	}
	if least := services * pause; took < least {
		t.Errorf("%d Services took %s, less than one after the other: %s", services, took, least)
	}
	t.Logf("%d Services, %d workers, %d writes: %s", services, workers, w.writes, took)
}

// ready counts the Services that have an address.
func ready(t *testing.T, w *world) int {
	t.Helper()
	list, err := w.az.KubeClient.CoreV1().Services("default").List(context.Background(), metav1.ListOptions{})
	if err != nil {
		t.Fatal(err)
	}
	count := 0
	for _, s := range list.Items {
		if len(s.Status.LoadBalancer.Ingress) > 0 {
			count++
		}
	}
	return count
}
