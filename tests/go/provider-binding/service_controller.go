package main

import (
	corev1 "k8s.io/api/core/v1"
	aws "k8s.io/cloud-provider-aws/pkg/providers/v1"
	octavia "k8s.io/cloud-provider-openstack/pkg/openstack"
	controller "k8s.io/cloud-provider/controllers/service"
)

var providers = []provider{awsCCM, ciliumL2, ciliumNodeIPAM, metallbBGP, metallbL2, openstack}

// Both are handed the nodes that the service controller of k8s.io/cloud-provider leaves to a provider.

var awsCCM = provider{
	Platform:  "aws-ccm",
	Module:    "k8s.io/cloud-provider-aws v1.36.2",
	Functions: []string{"filterTargetNodes"},
	choose: func(service *corev1.Service, _ *tree, nodes []*corev1.Node) ([]*corev1.Node, error) {
		return aws.LargescaleTargets(service, controller.LargescaleCandidates(nodes)), nil
	},
}

var openstack = provider{
	Platform:  "openstack",
	Module:    "k8s.io/cloud-provider-openstack v1.36.0",
	Functions: []string{"getKeyValueFromServiceAnnotation", "filterNodes"},
	choose: func(service *corev1.Service, _ *tree, nodes []*corev1.Node) ([]*corev1.Node, error) {
		return octavia.LargescaleMembers(service, controller.LargescaleCandidates(nodes)), nil
	},
}
