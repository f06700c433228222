#!/usr/bin/env bash
# Builds target/provider-binding, or takes it from the cache. A first build takes some minutes on two cores.
#
# What chooses the nodes is not exported by the providers. So the modules are copied as they were published, and one more
# file is put beside theirs, which hands those functions out under a name with "Largescale".
set -euo pipefail
cd "$(dirname "${BASH_SOURCE[0]}")"
source ../control-plane/cached-build.sh

copies=$(mktemp -d)
trap 'chmod -R u+w "$copies" && rm -rf "$copies"' EXIT
modfile=$copies/build.mod

# hand_out MODULE FOLDER: standard input is a further file in that folder of the module's copy.
hand_out() {
  local copy=$copies/${1//\//_}
  if [ ! -d "$copy" ]; then
    go mod download "$1"
    cp -R "$(go list -m -f '{{.Dir}}' "$1")" "$copy"
    chmod -R u+w "$copy"
    go mod edit -replace "$1=$copy" "$modfile"
  fi
  mkdir -p "$copy/$2"
  cat >"$copy/$2/largescale.go"
}

# stub MODULE: standard input is the only file of a module that is not published. Cilium takes one constant from it, for
# ServiceImports, which no tree has.
stub() {
  local copy=$copies/${1//\//_}
  mkdir -p "$copy"
  printf 'module %s\n\ngo 1.26.0\n' "$1" >"$copy/go.mod"
  cat >"$copy/stub.go"
  go mod edit -replace "$1=$copy" "$modfile"
}

prepare() {
  cp go.mod "$modfile"
  cp go.sum "$copies/build.sum"
  stub sigs.k8s.io/mcs-api/controllers <<'GO'
package controllers

const DerivedServiceAnnotation = "multicluster.kubernetes.io/derived-service"
GO
  hand_out k8s.io/cloud-provider controllers/service <<'GO'
package service

import v1 "k8s.io/api/core/v1"

// LargescaleCandidates are the nodes that a provider is told of.
func LargescaleCandidates(nodes []*v1.Node) []*v1.Node {
	return filterWithPredicates(nodes, stableNodeSetPredicates...)
}
GO
  hand_out k8s.io/cloud-provider-aws pkg/providers/v1 <<'GO'
package aws

import v1 "k8s.io/api/core/v1"

// LargescaleTargets are the nodes behind the load balancer of a Service.
func LargescaleTargets(service *v1.Service, nodes []*v1.Node) []*v1.Node {
	return filterTargetNodes(nodes, service.Annotations)
}
GO
  hand_out k8s.io/cloud-provider-openstack pkg/openstack <<'GO'
package openstack

import v1 "k8s.io/api/core/v1"

// LargescaleMembers are the nodes behind the load balancer of a Service.
func LargescaleMembers(service *v1.Service, nodes []*v1.Node) []*v1.Node {
	return filterNodes(nodes, getKeyValueFromServiceAnnotation(service, ServiceAnnotationLoadBalancerNodeSelector, ""))
}
GO
  hand_out github.com/cilium/cilium operator/pkg/nodeipam <<'GO'
package nodeipam

import (
	"context"
	"fmt"
	"io"
	"log/slog"

	corev1 "k8s.io/api/core/v1"
	"sigs.k8s.io/controller-runtime/pkg/client"
)

// LargescaleNodes are the nodes whose addresses a Service gets.
func LargescaleNodes(ctx context.Context, server client.Client, service *corev1.Service) ([]corev1.Node, error) {
	r := &nodeSvcLBReconciler{Client: server, Logger: slog.New(slog.NewTextHandler(io.Discard, nil))}
	if !r.isServiceSupported(service) {
		return nil, fmt.Errorf("the Service is not of the class of Node IPAM")
	}
	return r.getRelevantNodes(ctx, service)
}
GO
  hand_out github.com/cilium/cilium operator/pkg/gateway-api <<'GO'
package gateway_api

import (
	"context"
	"fmt"
	"io"
	"log/slog"

	corev1 "k8s.io/api/core/v1"
	metav1 "k8s.io/apimachinery/pkg/apis/meta/v1"
	"k8s.io/apimachinery/pkg/runtime"
	"k8s.io/apimachinery/pkg/runtime/serializer"
	ctrl "sigs.k8s.io/controller-runtime"
	"sigs.k8s.io/controller-runtime/pkg/client"
	"sigs.k8s.io/controller-runtime/pkg/client/fake"
	"sigs.k8s.io/controller-runtime/pkg/manager"
	gatewayv1 "sigs.k8s.io/gateway-api/apis/v1"

	"github.com/cilium/cilium/operator/pkg/gateway-api/helpers"
	"github.com/cilium/cilium/operator/pkg/gateway-api/indexers"
	"github.com/cilium/cilium/operator/pkg/model/translation"
	gatewayApiTranslation "github.com/cilium/cilium/operator/pkg/model/translation/gateway-api"
)

// largescaleManager has what the reconciler takes from its manager.
type largescaleManager struct {
	manager.Manager
	server client.Client
}

func (m largescaleManager) GetClient() client.Client   { return m.server }
func (m largescaleManager) GetScheme() *runtime.Scheme { return m.server.Scheme() }

// LargescaleReconcile reconciles every Gateway among objects in JSON, with the default values of the operator's flags, and
// returns the Services that it makes and the Gateways with their status.
func LargescaleReconcile(ctx context.Context, documents [][]byte) ([]corev1.Service, []gatewayv1.Gateway, error) {
	scheme := helpers.TestScheme(helpers.AllOptionalKinds)
	decoder := serializer.NewCodecFactory(scheme).UniversalDeserializer()
	server := fake.NewClientBuilder().WithScheme(scheme).
		WithStatusSubresource(&gatewayv1.Gateway{}, &gatewayv1.HTTPRoute{}, &gatewayv1.TLSRoute{}, &gatewayv1.GRPCRoute{},
			&gatewayv1.TCPRoute{}, &gatewayv1.UDPRoute{}, &gatewayv1.ListenerSet{}, &gatewayv1.BackendTLSPolicy{}).
		WithIndex(&gatewayv1.HTTPRoute{}, indexers.GatewayHTTPRouteIndex, indexers.IndexHTTPRouteByGateway).
		WithIndex(&gatewayv1.GRPCRoute{}, indexers.GatewayGRPCRouteIndex, indexers.IndexGRPCRouteByGateway).
		WithIndex(&gatewayv1.TLSRoute{}, indexers.GatewayTLSRouteIndex, indexers.IndexTLSRouteByGateway).
		WithIndex(&gatewayv1.TCPRoute{}, indexers.GatewayTCPRouteIndex, indexers.IndexTCPRouteByGateway).
		WithIndex(&gatewayv1.UDPRoute{}, indexers.GatewayUDPRouteIndex, indexers.IndexUDPRouteByGateway).
		WithIndex(&gatewayv1.ListenerSet{}, indexers.ListenerSetGatewayIndex, indexers.IndexListenerSetByGateway).
		WithIndex(&gatewayv1.HTTPRoute{}, indexers.HTTPRouteListenerSetIndex, indexers.IndexHTTPRouteByListenerSet).
		WithIndex(&gatewayv1.GRPCRoute{}, indexers.GRPCRouteListenerSetIndex, indexers.IndexGRPCRouteByListenerSet).
		WithIndex(&gatewayv1.TLSRoute{}, indexers.TLSRouteListenerSetIndex, indexers.IndexTLSRouteByListenerSet).
		WithIndex(&gatewayv1.TCPRoute{}, indexers.TCPRouteListenerSetIndex, indexers.IndexTCPRouteByListenerSet).
		WithIndex(&gatewayv1.UDPRoute{}, indexers.UDPRouteListenerSetIndex, indexers.IndexUDPRouteByListenerSet)
	var gateways []gatewayv1.Gateway
	for _, document := range documents {
		object, _, err := decoder.Decode(document, nil, nil)
		if err != nil {
			return nil, nil, err
		}
		switch object := object.(type) {
		case *gatewayv1.Gateway:
			gateways = append(gateways, *object)
		case *gatewayv1.GatewayClass:
			// As the API server does for kinds without namespaces.
			object.Namespace = ""
		}
		server = server.WithObjects(object.(client.Object))
	}
	cluster := server.Build()
	quiet := slog.New(slog.NewTextHandler(io.Discard, nil))
	config := translation.Config{ServiceConfig: translation.ServiceConfig{
		ExternalTrafficPolicy: string(corev1.ServiceExternalTrafficPolicyCluster),
	}}
	translator := gatewayApiTranslation.NewTranslator(translation.NewCECTranslator(config), config)
	r := newGatewayReconciler(largescaleManager{server: cluster}, translator, quiet, defaultControllerName, false, metav1.LabelSelector{})
	for i := range gateways {
		key := client.ObjectKeyFromObject(&gateways[i])
		if _, err := r.Reconcile(ctx, ctrl.Request{NamespacedName: key}); err != nil {
			return nil, nil, fmt.Errorf("%s: %w", key, err)
		}
		if err := cluster.Get(ctx, key, &gateways[i]); err != nil {
			return nil, nil, err
		}
	}
	var services corev1.ServiceList
	if err := cluster.List(ctx, &services, client.HasLabels{gatewayNameLabel}); err != nil {
		return nil, nil, err
	}
	return services.Items, gateways, nil
}
GO
  hand_out go.universe.tf/metallb largescale <<'GO'
// Package largescale hands out what is internal to MetalLB.
package largescale

import (
	"encoding/json"
	"fmt"

	"go.universe.tf/metallb/config/crd/bases"
	"go.universe.tf/metallb/internal/config"
)

// CRD is the definition of a kind.
func CRD(kind string) []byte { return bases.Read(kind) }

// Announcing are the nodes that announce the addresses of a pool, by their names.
func Announcing(resources []byte, pool string) (map[string]bool, error) {
	var read config.ClusterResources
	if err := json.Unmarshal(resources, &read); err != nil {
		return nil, err
	}
	parsed, err := config.For(read, config.DontValidate)
	if err != nil {
		return nil, err
	}
	addresses := parsed.Pools.ByName[pool]
	if addresses == nil {
		return nil, fmt.Errorf("the Service names the address pool %q, which there is not", pool)
	}
	nodes := map[string]bool{}
	for _, advertisement := range addresses.L2Advertisements {
		for name := range advertisement.Nodes {
			nodes[name] = true
		}
	}
	for _, advertisement := range addresses.BGPAdvertisements {
		for name := range advertisement.Nodes {
			nodes[name] = true
		}
	}
	return nodes, nil
}
GO
  hand_out go.universe.tf/metallb config/crd/bases <<'GO'
// Package bases holds the CustomResourceDefinitions.
package bases

import (
	"embed"
	"strings"
)

//go:embed *.yaml
var files embed.FS

// Read is the definition of a kind.
func Read(kind string) []byte {
	text, err := files.ReadFile("metallb.io_" + strings.ToLower(kind) + "s.yaml")
	if err != nil {
		panic(err)
	}
	return text
}
GO
}

compile() {
  prepare
  CGO_ENABLED=0 go build -modfile "$modfile" -trimpath -buildvcs=false -o "$1" .
}

# Writes go.mod and go.sum anew, for who changes what is imported.
if [ "${1:-}" = tidy ]; then
  prepare
  go mod tidy -modfile "$modfile"
  for module in $(go mod edit -json "$modfile" | sed -n 's/.*"Path": "\(.*\)".*/\1/p' | sort -u); do
    go mod edit -dropreplace "$module" "$modfile"
  done
  cp "$modfile" go.mod
  cp "$copies/build.sum" go.sum
  exit
fi
cached_build provider-binding "$(cd ../../.. && pwd)/target/provider-binding" compile
