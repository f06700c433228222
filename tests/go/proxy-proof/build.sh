#!/usr/bin/env bash
# Builds the program to target/proxy-proof, or takes it from the cache. A first build takes some minutes on two cores.
#
# The proxiers start programs of the node as soon as they are made, and their fields are not exported. So Kubernetes is copied
# as it was published, and a file beside each proxier makes one with a fake of nftables or iptables.
set -euo pipefail
cd "$(dirname "${BASH_SOURCE[0]}")"
source ../control-plane/cached-build.sh

copies=$(mktemp -d)
trap 'chmod -R u+w "$copies" && rm -rf "$copies"' EXIT
modfile=$copies/build.mod

# hand_out FOLDER: standard input is a further file in that folder of the copy of Kubernetes.
hand_out() {
  local copy=$copies/kubernetes
  if [ ! -d "$copy" ]; then
    go mod download k8s.io/kubernetes
    local published
    published=$(go list -m -f '{{.Dir}}' k8s.io/kubernetes)
    mkdir "$copy"
    cp -R "$published/go.mod" "$published/pkg" "$published/third_party" "$copy"
    chmod -R u+w "$copy"
    # Their imports are not copied.
    find "$copy" -name "*_test.go" -delete
    go mod edit -replace "k8s.io/kubernetes=$copy" "$modfile"
  fi
  cat >"$copy/$1/largescale.go"
}

prepare() {
  cp go.mod "$modfile"
  cp go.sum "$copies/build.sum" 2>/dev/null || true
  hand_out pkg/proxy/nftables <<'GO'
package nftables

import (
	"net"
	"time"

	"golang.org/x/time/rate"
	v1 "k8s.io/api/core/v1"
	"k8s.io/kubernetes/pkg/proxy"
	"k8s.io/kubernetes/pkg/proxy/conntrack"
	"k8s.io/kubernetes/pkg/proxy/healthcheck"
	"k8s.io/kubernetes/pkg/proxy/runner"
	proxyutil "k8s.io/kubernetes/pkg/proxy/util"
	"sigs.k8s.io/knftables"
)

// Largescale returns a proxier that writes to a fake, for a node with this name, address and range of pods.
func Largescale(family v1.IPFamily, node string, address net.IP, pods string) (*knftables.Fake, *Proxier) {
	tables := knftables.IPv4Family
	if family == v1.IPv6Protocol {
		tables = knftables.IPv6Family
	}
	fake := knftables.NewFake(tables, kubeProxyTable)
	p := &Proxier{
		ipFamily:            family,
		svcPortMap:          make(proxy.ServicePortMap),
		serviceChanges:      proxy.NewServiceChangeTracker(family, newServiceInfo, nil),
		endpointsMap:        make(proxy.EndpointsMap),
		endpointsChanges:    proxy.NewEndpointsChangeTracker(family, node, newEndpointInfo, nil),
		needFullSync:        true,
		nftables:            fake,
		masqueradeMark:      "0x4000",
		masqueradeRule:      "mark set mark or 0x4000",
		conntrack:           conntrack.NewFake(),
		localDetector:       proxyutil.NewDetectLocalByCIDR(pods),
		nodeName:            node,
		serviceHealthServer: healthcheck.NewFakeServiceHealthServer(),
		nodeIP:              address,
		nodePortAddresses:   proxyutil.NewNodePortAddresses(family, nil),
		networkInterfacer:   proxyutil.RealNetwork{},
		staleChains:         make(map[string]time.Time),
		logRateLimiter:      rate.NewLimiter(rate.Every(24*time.Hour), 1),
		clusterIPs:          newNFTElementStorage("set", clusterIPsSet),
		serviceIPs:          newNFTElementStorage("map", serviceIPsMap),
		firewallIPs:         newNFTElementStorage("map", firewallIPsMap),
		noEndpointServices:  newNFTElementStorage("map", noEndpointServicesMap),
		noEndpointNodePorts: newNFTElementStorage("map", noEndpointNodePortsMap),
		serviceNodePorts:    newNFTElementStorage("map", serviceNodePortsMap),
		hairpinConnections:  newNFTElementStorage("set", hairpinConnectionsSet),
	}
	p.setInitialized(true)
	p.syncRunner = runner.NewBoundedFrequencyRunner("largescale", p.syncProxyRules, 0, 30*time.Second, time.Minute)
	return fake, p
}

// LargescaleSync writes the rules.
func (proxier *Proxier) LargescaleSync() error { return proxier.syncProxyRules() }
GO
  hand_out pkg/proxy/iptables <<'GO'
package iptables

import (
	"bytes"
	"net"
	"time"

	v1 "k8s.io/api/core/v1"
	"k8s.io/kubernetes/pkg/proxy"
	"k8s.io/kubernetes/pkg/proxy/conntrack"
	"k8s.io/kubernetes/pkg/proxy/healthcheck"
	"k8s.io/kubernetes/pkg/proxy/runner"
	proxyutil "k8s.io/kubernetes/pkg/proxy/util"
	utiliptables "k8s.io/kubernetes/pkg/util/iptables"
)

// Largescale returns a proxier that writes to a fake, for a node with this name, address and range of pods.
func Largescale(fake utiliptables.Interface, family v1.IPFamily, node string, address net.IP, pods string) *Proxier {
	p := &Proxier{
		ipFamily:                 family,
		svcPortMap:               make(proxy.ServicePortMap),
		serviceChanges:           proxy.NewServiceChangeTracker(family, newServiceInfo, nil),
		endpointsMap:             make(proxy.EndpointsMap),
		endpointsChanges:         proxy.NewEndpointsChangeTracker(family, node, newEndpointInfo, nil),
		needFullSync:             true,
		iptables:                 fake,
		masqueradeMark:           "0x4000",
		conntrack:                conntrack.NewFake(),
		localDetector:            proxyutil.NewDetectLocalByCIDR(pods),
		nodeName:                 node,
		serviceHealthServer:      healthcheck.NewFakeServiceHealthServer(),
		precomputedProbabilities: make([]string, 0, 1001),
		iptablesData:             bytes.NewBuffer(nil),
		existingFilterChainsData: bytes.NewBuffer(nil),
		filterChains:             proxyutil.NewLineBuffer(),
		filterRules:              proxyutil.NewLineBuffer(),
		natChains:                proxyutil.NewLineBuffer(),
		natRules:                 proxyutil.NewLineBuffer(),
		nodeIP:                   address,
		localhostNodePorts:       false,
		nodePortAddresses:        proxyutil.NewNodePortAddresses(family, nil),
		networkInterfacer:        proxyutil.RealNetwork{},
		nfAcctCounters:           map[string]bool{},
	}
	p.setInitialized(true)
	p.syncRunner = runner.NewBoundedFrequencyRunner("largescale", p.syncProxyRules, 0, 30*time.Second, time.Minute)
	return p
}

// LargescaleSync writes the rules.
func (proxier *Proxier) LargescaleSync() error { return proxier.syncProxyRules() }
GO
}

compile() {
  prepare
  CGO_ENABLED=0 go build -modfile "$modfile" -trimpath -buildvcs=false -o "$1" .
}

# Writes go.mod and go.sum again, after a change of what is imported.
if [ "${1:-}" = tidy ]; then
  prepare
  go mod tidy -modfile "$modfile"
  go mod edit -dropreplace k8s.io/kubernetes "$modfile"
  cp "$modfile" go.mod
  # Without the copy, Kubernetes itself needs a checksum too.
  cp "$copies/build.sum" go.sum
  grep '^k8s.io/kubernetes ' ../control-plane/go.sum >>go.sum
  sort -o go.sum go.sum
  exit
fi
cached_build proxy-proof "$(cd ../../.. && pwd)/target/proxy-proof" compile
