// Command proxy-proof counts what the real kube-proxy writes for Services and EndpointSlices. It reads a list of both in JSON
// from standard input, as an API server has them, and prints the counts in JSON.
package main

import (
	"encoding/json"
	"errors"
	"fmt"
	"io"
	"net"
	"os"
	"strings"

	v1 "k8s.io/api/core/v1"
	discovery "k8s.io/api/discovery/v1"
	metav1 "k8s.io/apimachinery/pkg/apis/meta/v1"
	"k8s.io/klog/v2"
	"k8s.io/kubernetes/pkg/proxy/iptables"
	"k8s.io/kubernetes/pkg/proxy/nftables"
	iptablestest "k8s.io/kubernetes/pkg/util/iptables/testing"
	"sigs.k8s.io/knftables"
)

// node is the name of the node whose rules are counted. An endpoint with this nodeName is a pod of that node.
const node = "this-node"

// counts has what the proxiers of all families write, without what they write for no Service at all.
type counts struct {
	IPTables ipTables `json:"iptables"`
	NFTables nfTables `json:"nftables"`
}

type ipTables struct {
	Chains int `json:"chains"`
	Rules  int `json:"rules"`
}

// nfTables counts the elements of named sets and maps, and those of the map in a rule that chooses an endpoint.
type nfTables struct {
	Chains    int `json:"chains"`
	Rules     int `json:"rules"`
	Sets      int `json:"sets"`
	Elements  int `json:"elements"`
	Endpoints int `json:"endpoints"`
}

type world struct {
	services []*v1.Service
	slices   []*discovery.EndpointSlice
}

func main() {
	klog.SetOutput(io.Discard)
	klog.LogToStderr(false)
	if err := run(os.Stdin, os.Stdout); err != nil {
		fmt.Fprintln(os.Stderr, err)
		os.Exit(1)
	}
}

func run(in io.Reader, out io.Writer) error {
	given, err := read(in)
	if err != nil {
		return err
	}
	var total counts
	for _, family := range []v1.IPFamily{v1.IPv4Protocol, v1.IPv6Protocol} {
		full, err := count(family, given)
		if err != nil {
			return err
		}
		empty, err := count(family, &world{})
		if err != nil {
			return err
		}
		total.IPTables.Chains += full.IPTables.Chains - empty.IPTables.Chains
		total.IPTables.Rules += full.IPTables.Rules - empty.IPTables.Rules
		total.NFTables.Chains += full.NFTables.Chains - empty.NFTables.Chains
		total.NFTables.Rules += full.NFTables.Rules - empty.NFTables.Rules
		total.NFTables.Sets += full.NFTables.Sets - empty.NFTables.Sets
		total.NFTables.Elements += full.NFTables.Elements - empty.NFTables.Elements
		total.NFTables.Endpoints += full.NFTables.Endpoints - empty.NFTables.Endpoints
	}
	return json.NewEncoder(out).Encode(total)
}

func read(in io.Reader) (*world, error) {
	var documents []json.RawMessage
	if err := json.NewDecoder(in).Decode(&documents); err != nil {
		return nil, err
	}
	given := &world{}
	for _, document := range documents {
		var kind metav1.TypeMeta
		if err := json.Unmarshal(document, &kind); err != nil {
			return nil, err
		}
		switch kind.Kind {
		case "Service":
			service := &v1.Service{}
			if err := json.Unmarshal(document, service); err != nil {
				return nil, err
			}
			given.services = append(given.services, service)
		case "EndpointSlice":
			slice := &discovery.EndpointSlice{}
			if err := json.Unmarshal(document, slice); err != nil {
				return nil, err
			}
			given.slices = append(given.slices, slice)
		default:
			return nil, fmt.Errorf("unexpected kind %q", kind.Kind)
		}
	}
	return given, nil
}

func count(family v1.IPFamily, given *world) (*counts, error) {
	address, pods := net.ParseIP("192.168.0.2"), "10.0.0.0/8"
	fake := iptablestest.NewFake()
	if family == v1.IPv6Protocol {
		address, pods = net.ParseIP("2001:db8::1"), "fd00:10::/64"
		fake = iptablestest.NewIPv6Fake()
	}
	tables, nft := nftables.Largescale(family, node, address, pods)
	ipt := iptables.Largescale(fake, family, node, address, pods)
	for _, service := range given.services {
		nft.OnServiceAdd(service)
		ipt.OnServiceAdd(service)
	}
	for _, slice := range given.slices {
		if string(slice.AddressType) == string(family) {
			nft.OnEndpointSliceAdd(slice)
			ipt.OnEndpointSliceAdd(slice)
		}
	}
	if err := errors.Join(nft.LargescaleSync(), ipt.LargescaleSync()); err != nil {
		return nil, fmt.Errorf("%s: %w", family, err)
	}
	return &counts{IPTables: ofIPTables(fake), NFTables: ofNFTables(tables)}, nil
}

func ofIPTables(fake *iptablestest.FakeIPTables) ipTables {
	var found ipTables
	for _, table := range fake.Dump.Tables {
		found.Chains += len(table.Chains)
		for _, chain := range table.Chains {
			found.Rules += len(chain.Rules)
		}
	}
	return found
}

func ofNFTables(fake *knftables.Fake) nfTables {
	found := nfTables{
		Chains: len(fake.Table.Chains),
		Sets:   len(fake.Table.Sets) + len(fake.Table.Maps),
	}
	for _, chain := range fake.Table.Chains {
		found.Rules += len(chain.Rules)
		for _, rule := range chain.Rules {
			// The map of the endpoints is a part of the rule: `numgen random mod 2 map { 0 : ..., 1 : ... }`.
			if _, elements, is := strings.Cut(rule.Rule, "numgen random mod "); is {
				found.Endpoints += strings.Count(elements, ",") + 1
			}
		}
	}
	for _, set := range fake.Table.Sets {
		found.Elements += len(set.Elements)
	}
	for _, elements := range fake.Table.Maps {
		found.Elements += len(elements.Elements)
	}
	return found
}
