package main

import (
	"context"
	"encoding/json"
	"errors"
	"fmt"

	"github.com/cilium/cilium/operator/pkg/nodeipam"
	"github.com/cilium/cilium/pkg/k8s/apis/cilium.io/v2alpha1"
	slim "github.com/cilium/cilium/pkg/k8s/slim/k8s/apis/meta/v1"
	corev1 "k8s.io/api/core/v1"
	discoveryv1 "k8s.io/api/discovery/v1"
	"k8s.io/apimachinery/pkg/labels"
	"k8s.io/apimachinery/pkg/runtime"
	"sigs.k8s.io/controller-runtime/pkg/client/fake"
)

const ciliumModule = "github.com/cilium/cilium v1.20.2"

var ciliumNodeIPAM = provider{
	Platform:  "cilium-node-ipam",
	Module:    ciliumModule,
	Functions: []string{"nodeSvcLBReconciler.isServiceSupported", "nodeSvcLBReconciler.getRelevantNodes"},
	choose: func(service *corev1.Service, rendered *tree, nodes []*corev1.Node) ([]*corev1.Node, error) {
		scheme := runtime.NewScheme()
		if err := errors.Join(corev1.AddToScheme(scheme), discoveryv1.AddToScheme(scheme)); err != nil {
			return nil, err
		}
		server := fake.NewClientBuilder().WithScheme(scheme)
		for _, node := range nodes {
			server = server.WithObjects(node.DeepCopy())
		}
		// With externalTrafficPolicy: Local, only nodes with a pod have addresses.
		for _, text := range rendered.others["EndpointSlice"] {
			slice := new(discoveryv1.EndpointSlice)
			if err := json.Unmarshal(text, slice); err != nil {
				return nil, err
			}
			server = server.WithObjects(slice)
		}
		chosen, err := nodeipam.LargescaleNodes(context.Background(), server.Build(), service)
		var list []*corev1.Node
		for i := range chosen {
			list = append(list, &chosen[i])
		}
		return list, err
	},
}

// Every node whose policy selects the Service may announce its addresses; l2announcer does this on each node for itself
// with the same selectors.
var ciliumL2 = provider{
	Platform:  "cilium-l2",
	Module:    ciliumModule,
	Functions: []string{"CiliumL2AnnouncementPolicy (its CRD's schema)", "LabelSelectorAsSelector"},
	choose: func(service *corev1.Service, rendered *tree, nodes []*corev1.Node) ([]*corev1.Node, error) {
		policies := rendered.others["CiliumL2AnnouncementPolicy"]
		var list []*corev1.Node
		for _, text := range policies {
			if err := ciliumSchema().validate(text); err != nil {
				return nil, err
			}
			var policy v2alpha1.CiliumL2AnnouncementPolicy
			if err := json.Unmarshal(text, &policy); err != nil {
				return nil, err
			}
			services, err := slim.LabelSelectorAsSelector(policy.Spec.ServiceSelector)
			if err != nil {
				return nil, err
			}
			selected, err := slim.LabelSelectorAsSelector(policy.Spec.NodeSelector)
			if err != nil {
				return nil, err
			}
			if !policy.Spec.LoadBalancerIPs {
				return nil, fmt.Errorf("%s does not announce addresses of load balancers", policy.Name)
			}
			if !services.Matches(labels.Set(service.Labels)) {
				continue
			}
			for _, node := range nodes {
				if selected.Matches(labels.Set(node.Labels)) {
					list = append(list, node)
				}
			}
		}
		return list, nil
	},
}
