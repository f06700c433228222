package main

import (
	"context"
	"encoding/json"
	"os"

	gatewayapi "github.com/cilium/cilium/operator/pkg/gateway-api"
)

// printGateways prints the Services that Cilium's operator makes for the Gateways in a folder, and these with their status, as a
// List.
func printGateways(folder string) (int, error) {
	rendered, err := readTree(folder)
	if err != nil {
		return 2, err
	}
	services, gateways, err := gatewayapi.LargescaleReconcile(context.Background(), rendered.all)
	if err != nil {
		return 1, err
	}
	items := []any{}
	for i := range services {
		services[i].APIVersion, services[i].Kind = "v1", "Service"
		items = append(items, &services[i])
	}
	for i := range gateways {
		gateways[i].APIVersion, gateways[i].Kind = "gateway.networking.k8s.io/v1", "Gateway"
		items = append(items, &gateways[i])
	}
	return 0, json.NewEncoder(os.Stdout).Encode(map[string]any{"apiVersion": "v1", "kind": "List", "items": items})
}
