package main

import (
	"context"
	"encoding/json"
	"flag"
	"fmt"
	"hash/fnv"
	"log"
	"os"
	"os/signal"
	"syscall"
	"time"

	v1 "k8s.io/api/core/v1"
	apierrors "k8s.io/apimachinery/pkg/api/errors"
	metav1 "k8s.io/apimachinery/pkg/apis/meta/v1"
	"k8s.io/apimachinery/pkg/fields"
	"k8s.io/apimachinery/pkg/types"
	"k8s.io/client-go/informers"
	"k8s.io/client-go/kubernetes"
	"k8s.io/client-go/tools/cache"
)

// runFakeKubelet registers nodes without machines and then does for their pods
// what kubelets would be seen to do: one that has a node becomes ready, one
// that is being deleted goes away. Nothing runs, so no Job ever completes.
func runFakeKubelet(args []string) error {
	fs := flag.NewFlagSet("fake-kubelet", flag.ExitOnError)
	kubeconfig := fs.String("kubeconfig", "", "who to be")
	count := fs.Int("nodes", 0, "made-up nodes to register")
	from := fs.String("nodes-from", "", "file with a JSON v1 List of nodes to register")
	ready := fs.String("ready-file", "", "file to make when all nodes are registered")
	workers := fs.Int("workers", 32, "calls at a time")
	_ = fs.Parse(args) // ExitOnError: it does not return an error
	ctx, cancel := signal.NotifyContext(context.Background(), syscall.SIGTERM, syscall.SIGINT)
	defer cancel()
	client, err := connect(*kubeconfig)
	if err != nil {
		return err
	}
	nodes, err := nodesToRegister(*from, *count)
	if err != nil {
		return err
	}
	began := time.Now()
	if err := forEach(ctx, *workers, nodes, func(n v1.Node) error { return register(ctx, client, n) }); err != nil {
		return err
	}
	log.Printf("%d nodes registered in %.1f s", len(nodes), time.Since(began).Seconds())
	if *ready != "" {
		if err := os.WriteFile(*ready, nil, 0o600); err != nil {
			return err
		}
	}
	return playKubelets(ctx, client, *workers)
}

func playKubelets(ctx context.Context, client kubernetes.Interface, workers int) error {
	work := make(chan *v1.Pod, 16384) // enough for a rollout, so that the informer never waits
	for range workers {
		go func() {
			for pod := range work {
				if err := playKubelet(ctx, client, pod); err != nil && ctx.Err() == nil && !apierrors.IsNotFound(err) {
					log.Printf("%s/%s: %v", pod.Namespace, pod.Name, err)
				}
			}
		}()
	}
	scheduled := fields.OneTermNotEqualSelector("spec.nodeName", "").String()
	factory := informers.NewSharedInformerFactoryWithOptions(client, 0,
		informers.WithTweakListOptions(func(o *metav1.ListOptions) { o.FieldSelector = scheduled }))
	offer := func(o any) {
		if pod, ok := o.(*v1.Pod); ok {
			work <- pod
		}
	}
	if _, err := factory.Core().V1().Pods().Informer().AddEventHandler(cache.ResourceEventHandlerFuncs{
		AddFunc:    offer,
		UpdateFunc: func(_, o any) { offer(o) },
	}); err != nil {
		return err
	}
	factory.Start(ctx.Done())
	<-ctx.Done()
	return nil
}

func playKubelet(ctx context.Context, client kubernetes.Interface, pod *v1.Pod) error {
	pods := client.CoreV1().Pods(pod.Namespace)
	if pod.DeletionTimestamp != nil {
		now := int64(0)
		return pods.Delete(ctx, pod.Name, metav1.DeleteOptions{
			GracePeriodSeconds: &now,
			Preconditions:      &metav1.Preconditions{UID: &pod.UID}, // not a new pod of the same name
		})
	}
	if pod.Status.Phase != v1.PodPending && pod.Status.Phase != "" {
		return nil
	}
	patch, err := json.Marshal(map[string]any{
		"metadata": map[string]any{"uid": pod.UID},
		"status":   runningStatus(pod),
	})
	if err != nil {
		return err
	}
	_, err = pods.Patch(ctx, pod.Name, types.StrategicMergePatchType, patch,
		metav1.PatchOptions{FieldManager: "fake-kubelet"}, "status")
	return err
}

func runningStatus(pod *v1.Pod) v1.PodStatus {
	now, started, ip := metav1.Now(), true, podIP(pod.UID)
	status := v1.PodStatus{
		Phase: v1.PodRunning, StartTime: &now, HostIP: "127.0.0.1",
		PodIP: ip, PodIPs: []v1.PodIP{{IP: ip}},
	}
	for _, kind := range []v1.PodConditionType{v1.PodInitialized, v1.ContainersReady, v1.PodReady, v1.PodScheduled} {
		status.Conditions = append(status.Conditions, v1.PodCondition{
			Type: kind, Status: v1.ConditionTrue, LastTransitionTime: now,
		})
	}
	for _, c := range pod.Spec.Containers {
		status.ContainerStatuses = append(status.ContainerStatuses, v1.ContainerStatus{
			Name: c.Name, Image: c.Image, ImageID: "fake", Ready: true, Started: &started,
			State: v1.ContainerState{Running: &v1.ContainerStateRunning{StartedAt: now}},
		})
	}
	return status
}

// podIP makes up an address that stays the same for a pod and that few share.
func podIP(uid types.UID) string {
	h := fnv.New32a()
	_, _ = h.Write([]byte(uid)) // hash.Hash never returns an error
	sum := h.Sum32()
	return fmt.Sprintf("10.%d.%d.%d", 200+sum>>24%32, sum>>16&255, sum>>8&255)
}
