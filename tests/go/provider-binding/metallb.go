package main

import (
	"encoding/json"
	"fmt"

	"go.universe.tf/metallb/largescale"
	corev1 "k8s.io/api/core/v1"
)

const metallbModule = "go.universe.tf/metallb v0.16.1"

var metallbL2 = metallb("metallb-l2", "L2Advertisement")

var metallbBGP = metallb("metallb-bgp", "BGPAdvertisement")

// A MetalLB platform: the pool of addresses that a Service names is announced by the nodes of its advertisements.
func metallb(platform, kind string) provider {
	return provider{
		Platform:  platform,
		Module:    metallbModule,
		Functions: []string{fmt.Sprintf("IPAddressPool, %s (their CRDs' schemas)", kind), "config.For"},
		choose: func(service *corev1.Service, rendered *tree, nodes []*corev1.Node) ([]*corev1.Node, error) {
			for _, known := range []string{"IPAddressPool", kind} {
				if len(rendered.others[known]) == 0 {
					return nil, fmt.Errorf("no %s in the tree", known)
				}
				for _, text := range rendered.others[known] {
					if err := metallbSchema(known).validate(text); err != nil {
						return nil, err
					}
				}
			}
			resources, err := json.Marshal(map[string]any{
				"ipaddresspools":    raw(rendered.others["IPAddressPool"]),
				"l2advertisements":  raw(rendered.others["L2Advertisement"]),
				"bgpadvertisements": raw(rendered.others["BGPAdvertisement"]),
				"nodes":             nodes,
			})
			if err != nil {
				return nil, err
			}
			announcing, err := largescale.Announcing(resources, service.Annotations["metallb.io/address-pool"])
			if err != nil {
				return nil, err
			}
			var list []*corev1.Node
			for _, node := range nodes {
				if announcing[node.Name] {
					list = append(list, node)
				}
			}
			return list, nil
		},
	}
}

func raw(texts [][]byte) []json.RawMessage {
	list := []json.RawMessage{}
	for _, text := range texts {
		list = append(list, text)
	}
	return list
}
