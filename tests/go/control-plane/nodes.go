package main

import (
	"context"
	"encoding/json"
	"fmt"
	"os"
	"sync"

	v1 "k8s.io/api/core/v1"
	apierrors "k8s.io/apimachinery/pkg/api/errors"
	"k8s.io/apimachinery/pkg/api/resource"
	metav1 "k8s.io/apimachinery/pkg/apis/meta/v1"
	"k8s.io/client-go/kubernetes"
	"k8s.io/component-base/version"
)

// nodesToRegister are those of a file, if one is given, and count made-up ones.
func nodesToRegister(file string, count int) ([]v1.Node, error) {
	var list v1.NodeList
	if file != "" {
		text, err := os.ReadFile(file)
		if err != nil {
			return nil, err
		}
		if err := json.Unmarshal(text, &list); err != nil {
			return nil, fmt.Errorf("%s: %w", file, err)
		}
	}
	for i := range count {
		list.Items = append(list.Items, fakeNode(i))
	}
	return list.Items, nil
}

func fakeNode(i int) v1.Node {
	size := v1.ResourceList{
		v1.ResourceCPU:              resource.MustParse("32"),
		v1.ResourceMemory:           resource.MustParse("128Gi"),
		v1.ResourcePods:             resource.MustParse("110"),
		v1.ResourceEphemeralStorage: resource.MustParse("100Gi"),
	}
	name := fmt.Sprintf("fake-%05d", i)
	return v1.Node{
		ObjectMeta: metav1.ObjectMeta{Name: name, Labels: map[string]string{
			v1.LabelHostname:       name,
			v1.LabelOSStable:       "linux",
			v1.LabelArchStable:     "amd64",
			v1.LabelTopologyZone:   fmt.Sprintf("zone-%d", i%3),
			v1.LabelTopologyRegion: "test",
		}},
		Spec: v1.NodeSpec{ProviderID: "fake://" + name},
		Status: v1.NodeStatus{
			Capacity: size, Allocatable: size,
			Addresses: []v1.NodeAddress{
				{Type: v1.NodeInternalIP, Address: fmt.Sprintf("10.%d.%d.%d", 128+i/65536, i/256%256, i%256)},
				{Type: v1.NodeHostName, Address: name},
			},
			NodeInfo: v1.NodeSystemInfo{
				KubeletVersion:          version.Get().GitVersion,
				OperatingSystem:         "linux",
				Architecture:            "amd64",
				ContainerRuntimeVersion: "fake://0",
			},
		},
	}
}

// register creates the node as a kubelet does: with its status, in one call.
// A node of a file keeps the status it has there.
func register(ctx context.Context, client kubernetes.Interface, n v1.Node) error {
	// What only the server may set, and what a deleted node of a dump carries.
	n.ResourceVersion, n.UID, n.ManagedFields, n.DeletionTimestamp = "", "", nil, nil
	if len(n.Status.Conditions) == 0 {
		now := metav1.Now()
		for _, c := range []struct {
			kind   v1.NodeConditionType
			status v1.ConditionStatus
		}{
			{v1.NodeMemoryPressure, v1.ConditionFalse},
			{v1.NodeDiskPressure, v1.ConditionFalse},
			{v1.NodePIDPressure, v1.ConditionFalse},
			{v1.NodeReady, v1.ConditionTrue},
		} {
			n.Status.Conditions = append(n.Status.Conditions, v1.NodeCondition{
				Type: c.kind, Status: c.status, Reason: "Fake",
				LastHeartbeatTime: now, LastTransitionTime: now,
			})
		}
	}
	_, err := client.CoreV1().Nodes().Create(ctx, &n, metav1.CreateOptions{})
	if apierrors.IsAlreadyExists(err) {
		return nil // "up" was run in a used folder
	}
	if err != nil {
		return fmt.Errorf("node %s: %w", n.Name, err)
	}
	return nil
}

// forEach does something with every item, a few at a time, until the first error.
func forEach[T any](ctx context.Context, workers int, items []T, do func(T) error) error {
	ctx, cancel := context.WithCancelCause(ctx)
	defer cancel(nil)
	feed := make(chan T)
	var group sync.WaitGroup
	for range workers {
		group.Go(func() {
			for item := range feed {
				if err := do(item); err != nil {
					cancel(err)
					return
				}
			}
		})
	}
feeding:
	for _, item := range items {
		select {
		case feed <- item:
		case <-ctx.Done():
			break feeding
		}
	}
	close(feed)
	group.Wait()
	return context.Cause(ctx)
}
