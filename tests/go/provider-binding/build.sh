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

prepare() {
  cp go.mod "$modfile"
  cp go.sum "$copies/build.sum"
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
