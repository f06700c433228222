package main

import (
	"context"
	"fmt"

	v1 "k8s.io/api/core/v1"
	metav1 "k8s.io/apimachinery/pkg/apis/meta/v1"
	"k8s.io/client-go/kubernetes"
	"k8s.io/client-go/kubernetes/fake"
	gatewayv1 "sigs.k8s.io/gateway-api/apis/v1"
	gateway "sigs.k8s.io/gateway-api/pkg/client/clientset/versioned"
	fakegateway "sigs.k8s.io/gateway-api/pkg/client/clientset/versioned/fake"

	"sigs.k8s.io/external-dns/source"
)

// envoyProxy has the field of an EnvoyProxy that decides whether the Service of a Gateway gets a load balancer.
type envoyProxy struct {
	metav1.ObjectMeta `json:"metadata"`
	Spec              struct {
		Provider struct {
			Kubernetes struct {
				EnvoyService struct {
					Type v1.ServiceType `json:"type"`
				} `json:"envoyService"`
			} `json:"kubernetes"`
		} `json:"provider"`
	} `json:"spec"`
}

// made is the Service that the implementation makes for a Gateway.
type made struct {
	gateway *gatewayv1.Gateway
	service *v1.Service
}

// playImplementation does what Envoy Gateway does: it makes a Service for each Gateway, with the annotations of
// `spec.infrastructure`, and accepts each parent of a route. tests/fixtures/gateway has what the real one makes.
func (t *tree) playImplementation() {
	for index, gateway := range t.gateways {
		service := &v1.Service{
			ObjectMeta: metav1.ObjectMeta{
				Name:        fmt.Sprintf("envoy-%s-%s", gateway.Namespace, gateway.Name),
				Namespace:   "envoy-gateway-system",
				Annotations: map[string]string{},
			},
			Spec: v1.ServiceSpec{
				Type:      v1.ServiceTypeLoadBalancer,
				ClusterIP: fmt.Sprintf("10.96.0.%d", index+1),
			},
		}
		if infrastructure := gateway.Spec.Infrastructure; infrastructure != nil {
			for key, value := range infrastructure.Annotations {
				service.Annotations[string(key)] = string(value)
			}
			if parameters := infrastructure.ParametersRef; parameters != nil {
				if chosen := t.serviceTypes[gateway.Namespace+"/"+parameters.Name]; chosen != "" {
					service.Spec.Type = chosen
				}
			}
		}
		t.made = append(t.made, made{gateway, service})
		t.services = append(t.services, service)
	}
	for _, route := range t.routes {
		for _, parent := range route.Spec.ParentRefs {
			route.Status.Parents = append(route.Status.Parents, gatewayv1.RouteParentStatus{
				ParentRef:      parent,
				ControllerName: "gateway.envoyproxy.io/gatewayclass-controller",
				Conditions: []metav1.Condition{{
					Type:   string(gatewayv1.RouteConditionAccepted),
					Status: metav1.ConditionTrue,
				}},
			})
		}
	}
}

// reportAddresses puts the address of the Service that was made for a Gateway into the Gateway's status.
func (t *tree) reportAddresses() {
	for _, made := range t.made {
		kind, value := gatewayv1.IPAddressType, made.service.Spec.ClusterIP
		for _, ingress := range made.service.Status.LoadBalancer.Ingress {
			value = ingress.IP
			if ingress.Hostname != "" {
				kind, value = gatewayv1.HostnameAddressType, ingress.Hostname
			}
		}
		made.gateway.Status.Addresses = []gatewayv1.GatewayStatusAddress{{Type: &kind, Value: value}}
	}
}

// clients are the fake API servers that a source of external-dns asks for; the others are nil.
type clients struct {
	source.ClientGenerator
	kube    kubernetes.Interface
	gateway gateway.Interface
}

func (c clients) KubeClient() (kubernetes.Interface, error) { return c.kube, nil }

func (c clients) GatewayClient() (gateway.Interface, error) { return c.gateway, nil }

func (t *tree) routeSource(ctx context.Context, config *source.Config) (source.Source, error) {
	// NewClientset refuses these objects: its schema does not have the kinds.
	client := fakegateway.NewSimpleClientset()
	// The tracker guesses the plural `gatewaies` of objects that the constructor gets.
	for _, object := range t.gateways {
		if _, err := client.GatewayV1().Gateways(object.Namespace).Create(ctx, object, metav1.CreateOptions{}); err != nil {
			return nil, err
		}
	}
	for _, object := range t.routes {
		if _, err := client.GatewayV1().HTTPRoutes(object.Namespace).Create(ctx, object, metav1.CreateOptions{}); err != nil {
			return nil, err
		}
	}
	return source.NewGatewayHTTPRouteSource(ctx, clients{kube: fake.NewClientset(), gateway: client}, config)
}
