package azurebinding

import (
	"context"
	"encoding/json"
	"fmt"
	"maps"
	"net/http"
	"slices"
	"strings"

	"go.uber.org/mock/gomock"

	"github.com/Azure/azure-sdk-for-go/sdk/azcore"
	"github.com/Azure/azure-sdk-for-go/sdk/azcore/to"
	"github.com/Azure/azure-sdk-for-go/sdk/resourcemanager/compute/armcompute/v7"
	"github.com/Azure/azure-sdk-for-go/sdk/resourcemanager/network/armnetwork/v9"
	"sigs.k8s.io/cloud-provider-azure/pkg/azclient/backendaddresspoolclient/mock_backendaddresspoolclient"
	"sigs.k8s.io/cloud-provider-azure/pkg/azclient/interfaceclient/mock_interfaceclient"
	"sigs.k8s.io/cloud-provider-azure/pkg/azclient/loadbalancerclient/mock_loadbalancerclient"
	"sigs.k8s.io/cloud-provider-azure/pkg/azclient/publicipaddressclient/mock_publicipaddressclient"
	"sigs.k8s.io/cloud-provider-azure/pkg/azclient/securitygroupclient/mock_securitygroupclient"
	"sigs.k8s.io/cloud-provider-azure/pkg/azclient/virtualmachineclient/mock_virtualmachineclient"
	"sigs.k8s.io/cloud-provider-azure/pkg/azclient/virtualmachinescalesetclient/mock_virtualmachinescalesetclient"
)

const (
	network = "/subscriptions/subscription/resourceGroups/rg/providers/Microsoft.Network/"
	compute = "/subscriptions/subscription/resourceGroups/rg/providers/Microsoft.Compute/"
)

func loadBalancerInID(id string) string {
	_, rest, _ := strings.Cut(id, "/loadBalancers/")
	name, _, _ := strings.Cut(rest, "/")
	return name
}

// copied is what a REST API gives: a value nobody else holds. The provider
// changes what it has read before it writes it.
func copied[T any](value *T) *T {
	text, err := json.Marshal(value)
	if err != nil {
		panic(err)
	}
	out := new(T)
	if err := json.Unmarshal(text, out); err != nil {
		panic(err)
	}
	return out
}

func get[T any](w *world, from map[string]*T, name string) (*T, error) {
	w.mu.Lock()
	defer w.mu.Unlock()
	if value := from[name]; value != nil {
		return copied(value), nil
	}
	return nil, &azcore.ResponseError{StatusCode: http.StatusNotFound, ErrorCode: "NotFound"}
}

func list[T any](w *world, from map[string]*T) ([]*T, error) {
	w.mu.Lock()
	defer w.mu.Unlock()
	out := make([]*T, 0, len(from))
	for _, value := range from {
		out = append(out, copied(value))
	}
	return out, nil
}

func put[T any](w *world, into map[string]*T, name string, value T) (*T, error) {
	w.mu.Lock()
	defer w.mu.Unlock()
	into[name] = copied(&value)
	return copied(&value), nil
}

// playAzure answers the provider's calls as Azure does.
func (w *world) playAzure() {
	for i, m := range w.machines {
		w.addMachine(i, m)
	}
	w.playMachines()
	w.playScaleSets()
	w.playLoadBalancers()
	w.playAddresses()
	w.playSecurityGroup()
}

func (w *world) addMachine(i int, m machine) {
	name := m.node.Name
	nic := network + "networkInterfaces/" + name
	w.nics[name] = &armnetwork.Interface{
		ID: to.Ptr(nic), Name: to.Ptr(name),
		Properties: &armnetwork.InterfacePropertiesFormat{
			ProvisioningState: to.Ptr(armnetwork.ProvisioningStateSucceeded),
			IPConfigurations: []*armnetwork.InterfaceIPConfiguration{{
				ID: to.Ptr(nic + "/ipConfigurations/ipconfig"),
				Properties: &armnetwork.InterfaceIPConfigurationPropertiesFormat{
					Primary:          to.Ptr(true),
					PrivateIPAddress: to.Ptr(privateIP(i)),
				},
			}},
		},
	}
	w.vms[name] = &armcompute.VirtualMachine{
		Name: to.Ptr(name), ID: to.Ptr(compute + "virtualMachines/" + name), Location: to.Ptr("westus"),
		Properties: &armcompute.VirtualMachineProperties{
			ProvisioningState: to.Ptr("Succeeded"),
			AvailabilitySet:   &armcompute.SubResource{ID: to.Ptr(compute + "availabilitySets/" + m.set)},
			NetworkProfile: &armcompute.NetworkProfile{
				NetworkInterfaces: []*armcompute.NetworkInterfaceReference{{
					ID:         to.Ptr(nic),
					Properties: &armcompute.NetworkInterfaceReferenceProperties{Primary: to.Ptr(true)},
				}},
			},
		},
	}
}

// playScaleSets lists the sets only: nothing asked here is about their machines.
func (w *world) playScaleSets() {
	sets := w.az.ComputeClientFactory.GetVirtualMachineScaleSetClient().(*mock_virtualmachinescalesetclient.MockInterface)
	sets.EXPECT().List(gomock.Any(), gomock.Any()).DoAndReturn(
		func(context.Context, string) ([]*armcompute.VirtualMachineScaleSet, error) {
			var out []*armcompute.VirtualMachineScaleSet
			seen := map[string]bool{}
			for _, m := range w.machines {
				if !seen[m.set] {
					out = append(out, &armcompute.VirtualMachineScaleSet{
						Name: to.Ptr(m.set), ID: to.Ptr(compute + "virtualMachineScaleSets/" + m.set),
						Properties: &armcompute.VirtualMachineScaleSetProperties{},
					})
				}
				seen[m.set] = true
			}
			return out, nil
		}).AnyTimes()
}

func privateIP(i int) string { return fmt.Sprintf("10.%d.%d.%d", 1+i/65536, i/256%256, i%256) }

func (w *world) playMachines() {
	vms := w.az.ComputeClientFactory.GetVirtualMachineClient().(*mock_virtualmachineclient.MockInterface)
	// One list for all: the provider changes no VM, and asks once for each node.
	vms.EXPECT().List(gomock.Any(), gomock.Any()).Return(slices.Collect(maps.Values(w.vms)), nil).AnyTimes()
	vms.EXPECT().Get(gomock.Any(), gomock.Any(), gomock.Any(), gomock.Any()).DoAndReturn(
		func(_ context.Context, _, name string, _ *string) (*armcompute.VirtualMachine, error) {
			return get(w, w.vms, name)
		}).AnyTimes()

	nics := w.az.ComputeClientFactory.GetInterfaceClient().(*mock_interfaceclient.MockInterface)
	nics.EXPECT().Get(gomock.Any(), gomock.Any(), gomock.Any(), gomock.Any()).DoAndReturn(
		func(_ context.Context, _, name string, _ *string) (*armnetwork.Interface, error) {
			return get(w, w.nics, name)
		}).AnyTimes()
	nics.EXPECT().CreateOrUpdate(gomock.Any(), gomock.Any(), gomock.Any(), gomock.Any()).DoAndReturn(
		func(_ context.Context, _, name string, nic armnetwork.Interface) (*armnetwork.Interface, error) {
			return put(w, w.nics, name, nic)
		}).AnyTimes()
}

func (w *world) playLoadBalancers() {
	lbs := w.az.NetworkClientFactory.GetLoadBalancerClient().(*mock_loadbalancerclient.MockInterface)
	lbs.EXPECT().List(gomock.Any(), gomock.Any()).DoAndReturn(
		func(context.Context, string) ([]*armnetwork.LoadBalancer, error) { return list(w, w.lbs) }).AnyTimes()
	lbs.EXPECT().Get(gomock.Any(), gomock.Any(), gomock.Any(), gomock.Any()).DoAndReturn(
		func(_ context.Context, _, name string, _ *string) (*armnetwork.LoadBalancer, error) {
			return get(w, w.lbs, name)
		}).AnyTimes()
	lbs.EXPECT().CreateOrUpdate(gomock.Any(), gomock.Any(), gomock.Any(), gomock.Any()).DoAndReturn(
		func(_ context.Context, _, name string, lb armnetwork.LoadBalancer) (*armnetwork.LoadBalancer, error) {
			w.write()
			lb.ID = to.Ptr(network + "loadBalancers/" + name)
			for _, pool := range lb.Properties.BackendAddressPools {
				pool.ID = to.Ptr(*lb.ID + "/backendAddressPools/" + *pool.Name)
			}
			return put(w, w.lbs, name, lb)
		}).AnyTimes()

	pools := w.az.NetworkClientFactory.GetBackendAddressPoolClient().(*mock_backendaddresspoolclient.MockInterface)
	pools.EXPECT().CreateOrUpdate(gomock.Any(), gomock.Any(), gomock.Any(), gomock.Any(), gomock.Any()).DoAndReturn(
		func(_ context.Context, _, lb, name string, pool armnetwork.BackendAddressPool) (*armnetwork.BackendAddressPool, error) {
			w.mu.Lock()
			defer w.mu.Unlock()
			for i, known := range w.lbs[lb].Properties.BackendAddressPools {
				if *known.Name == name {
					pool.ID = known.ID
					w.lbs[lb].Properties.BackendAddressPools[i] = copied(&pool)
				}
			}
			return copied(&pool), nil
		}).AnyTimes()
}

func (w *world) playAddresses() {
	pips := w.az.NetworkClientFactory.GetPublicIPAddressClient().(*mock_publicipaddressclient.MockInterface)
	pips.EXPECT().List(gomock.Any(), gomock.Any()).DoAndReturn(
		func(context.Context, string) ([]*armnetwork.PublicIPAddress, error) { return list(w, w.pips) }).AnyTimes()
	pips.EXPECT().Get(gomock.Any(), gomock.Any(), gomock.Any(), gomock.Any()).DoAndReturn(
		func(_ context.Context, _, name string, _ *string) (*armnetwork.PublicIPAddress, error) {
			return get(w, w.pips, name)
		}).AnyTimes()
	pips.EXPECT().CreateOrUpdate(gomock.Any(), gomock.Any(), gomock.Any(), gomock.Any()).DoAndReturn(
		func(_ context.Context, _, name string, pip armnetwork.PublicIPAddress) (*armnetwork.PublicIPAddress, error) {
			pip.ID = to.Ptr(network + "publicIPAddresses/" + name)
			if pip.Properties == nil {
				pip.Properties = &armnetwork.PublicIPAddressPropertiesFormat{}
			}
			if pip.Properties.IPAddress == nil {
				pip.Properties.IPAddress = to.Ptr(fmt.Sprintf("198.18.%d.%d", len(w.pips)/256, len(w.pips)%256))
			}
			return put(w, w.pips, name, pip)
		}).AnyTimes()
}

func (w *world) playSecurityGroup() {
	w.rules = armnetwork.SecurityGroup{
		Name: to.Ptr("nsg"), ID: to.Ptr(network + "networkSecurityGroups/nsg"),
		Properties: &armnetwork.SecurityGroupPropertiesFormat{SecurityRules: []*armnetwork.SecurityRule{}},
	}
	groups := w.az.NetworkClientFactory.GetSecurityGroupClient().(*mock_securitygroupclient.MockInterface)
	groups.EXPECT().Get(gomock.Any(), gomock.Any(), gomock.Any()).DoAndReturn(
		func(context.Context, string, string) (*armnetwork.SecurityGroup, error) { return copied(&w.rules), nil }).AnyTimes()
	groups.EXPECT().CreateOrUpdate(gomock.Any(), gomock.Any(), gomock.Any(), gomock.Any()).DoAndReturn(
		func(_ context.Context, _, _ string, group armnetwork.SecurityGroup) (*armnetwork.SecurityGroup, error) {
			w.rules = *copied(&group)
			return &group, nil
		}).AnyTimes()
}
