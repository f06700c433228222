"""Data for the figures, written to disk: `python3 data.py KIND PATH ...`.

A program of its own, so that figures.py stays small: what a child inherits of its parent counts as the child's memory.
"""
import json
import os
import sys

IMAGES = 33  # makes a node about 9 KB of compact JSON, like nodes of real clusters


def node(index, pool):
    """Returns a node like those of AKS-Engine, including everything that the program does not read."""
    name = f"k8s-{pool}-12345678-{index}"
    labels = {
        "agentpool": pool,
        "beta.kubernetes.io/arch": "amd64",
        "beta.kubernetes.io/instance-type": "Standard_D2_v2",
        "beta.kubernetes.io/os": "linux",
        "failure-domain.beta.kubernetes.io/region": "japaneast",
        "failure-domain.beta.kubernetes.io/zone": str(index % 3),
        "kubernetes.azure.com/cluster": "demo",
        "kubernetes.azure.com/role": "agent",
        "kubernetes.io/arch": "amd64",
        "kubernetes.io/hostname": name,
        "kubernetes.io/os": "linux",
        "kubernetes.io/role": "agent",
        "node.kubernetes.io/instance-type": "Standard_D2_v2",
        "storageprofile": "managed",
        "storagetier": "Standard_LRS",
    }
    reasons = {
        "NetworkUnavailable": ("False", "RouteCreated", "RouteController created a route"),
        "MemoryPressure": ("False", "KubeletHasSufficientMemory", "kubelet has sufficient memory available"),
        "DiskPressure": ("False", "KubeletHasNoDiskPressure", "kubelet has no disk pressure"),
        "PIDPressure": ("False", "KubeletHasSufficientPID", "kubelet has sufficient PID available"),
        "Ready": ("True", "KubeletReady", "kubelet is posting ready status. AppArmor enabled"),
    }
    time = "2024-04-12T02:11:07Z"
    conditions = [
        {"lastHeartbeatTime": time, "lastTransitionTime": time, "message": message, "reason": reason, "status": status, "type": kind}
        for kind, (status, reason, message) in reasons.items()
    ]
    images = [
        {
            "names": [
                f"registry.example.com/team-{image}/service@sha256:{image:064x}",
                f"registry.example.com/team-{image}/service:v1.{image}.{index % 7}",
            ],
            "sizeBytes": 100_000_000 + 7919 * image,
        }
        for image in range(IMAGES)
    ]
    resources = {"cpu": "2", "ephemeral-storage": "30428648Ki", "hugepages-1Gi": "0", "hugepages-2Mi": "0", "memory": "7137156Ki", "pods": "110"}
    machine = f"{index:032x}"
    return {
        "apiVersion": "v1",
        "kind": "Node",
        "metadata": {
            "annotations": {
                "node.alpha.kubernetes.io/ttl": "0",
                "projectcalico.org/IPv4Address": "10.240.0.4/16",
                "volumes.kubernetes.io/controller-managed-attach-detach": "true",
            },
            "creationTimestamp": time,
            "labels": labels,
            "name": name,
            "resourceVersion": str(100_000 + index),
            "uid": f"{machine[:8]}-{machine[8:12]}-{machine[12:16]}-{machine[16:20]}-{machine[20:]}",
        },
        "spec": {
            "podCIDR": "10.244.0.0/24",
            "podCIDRs": ["10.244.0.0/24"],
            "providerID": "azure:///subscriptions/00000000-0000-0000-0000-000000000000/resourceGroups/demo/providers/"
            f"Microsoft.Compute/virtualMachines/{name}",
        },
        "status": {
            "addresses": [{"address": name, "type": "Hostname"}, {"address": "10.240.0.4", "type": "InternalIP"}],
            "allocatable": resources,
            "capacity": resources,
            "conditions": conditions,
            "daemonEndpoints": {"kubeletEndpoint": {"Port": 10250}},
            "images": images,
            "nodeInfo": {
                "architecture": "amd64",
                "bootID": machine,
                "containerRuntimeVersion": "containerd://1.7.5",
                "kernelVersion": "5.15.0-1041-azure",
                "kubeProxyVersion": "v1.30.2",
                "kubeletVersion": "v1.30.2",
                "machineID": machine,
                "operatingSystem": "linux",
                "osImage": "Ubuntu 22.04.3 LTS",
                "systemUUID": machine,
            },
        },
    }


def small_node(index, pool):
    """Returns the minimal node for a cluster model."""
    name = f"k8s-{pool}-12345678-{index}"
    ready = {"conditions": [{"type": "Ready", "status": "True"}]}
    return {"apiVersion": "v1", "kind": "Node", "metadata": {"name": name, "labels": {"agentpool": pool}}, "spec": {}, "status": ready}


def write_nodes(path, nodes, indent=4):
    """Writes a list in the format of `kubectl get nodes -o json`, node by node."""
    with open(path, "w", encoding="utf-8") as file:
        file.write('{\n    "apiVersion": "v1",\n    "items": [\n')
        for count, one in enumerate(nodes):
            text = json.dumps(one, indent=indent)
            file.write((",\n" if count else "") + "        " + text.replace("\n", "\n        "))
        file.write('\n    ],\n    "kind": "List",\n    "metadata": {\n        "resourceVersion": ""\n    }\n}\n')


SERVICE = """apiVersion: v1
kind: Service
metadata:
  name: nginx
spec:
  type: LoadBalancer
  ports:
  - port: 80
  selector:
    app: nginx
"""


WORKLOAD = """---
apiVersion: apps/v1
kind: Deployment
metadata:
  name: nginx
spec:
  replicas: {pods}
  selector: {{matchLabels: {{app: nginx}}}}
  template:
    metadata: {{labels: {{app: nginx}}}}
    spec:
      containers: [{{name: nginx, image: nginx}}]
"""


GATEWAY = """apiVersion: gateway.networking.k8s.io/v1
kind: Gateway
metadata:
  name: edge
spec:
  gatewayClassName: eg
  listeners:
  - {name: http, port: 80, protocol: HTTP}
"""


ROUTE = """---
apiVersion: gateway.networking.k8s.io/v1
kind: HTTPRoute
metadata:
  name: route-{index}
spec:
  parentRefs: [{{name: edge}}]
  hostnames: [www-{index}.example.com]
  rules:
  - backendRefs: [{{name: web-{index}, port: 8080}}]
"""


OVERLAY = """resources: [../../base]
nameSuffix: -{pool}
labels:
- pairs:
    largescale.dev/pool: {pool}
    largescale.dev/service: nginx
commonAnnotations:
  service.beta.kubernetes.io/azure-load-balancer-mode: {pool}-availabilitySet-12345678
"""


def write_project(path, nodes="nodes.json"):
    """Writes a directory with one Service; the nodes decide which pools there are."""
    os.makedirs(path, exist_ok=True)
    spec = {
        "apiVersion": "largescale.dev/v1alpha1",
        "kind": "LargeScale",
        "metadata": {"name": "nginx"},
        "spec": {"manifests": ["nginx.yaml"], "platform": "azure-basic", "nodes": nodes},
    }
    for name, text in (("largescale.yaml", json.dumps(spec)), ("nginx.yaml", SERVICE)):
        with open(os.path.join(path, name), "w", encoding="utf-8") as file:
            file.write(text)


def write_copies(path, pods):
    """Writes a directory with one Service of 10 ports, whose pools share the pods of a workload."""
    write_project(path)
    ports = "".join(f"  - {{name: p{index}, port: {80 + index}}}\n" for index in range(10))
    with open(os.path.join(path, "nginx.yaml"), "w", encoding="utf-8") as file:
        file.write(SERVICE.replace("  - port: 80\n", ports) + WORKLOAD.format(pods=pods))


def write_gateways(path, routes):
    """Writes a directory with one Gateway for all pools and its routes."""
    os.makedirs(path, exist_ok=True)
    spec = {
        "apiVersion": "largescale.dev/v1alpha1",
        "kind": "LargeScale",
        "metadata": {"name": "edge", "namespace": "edge"},
        "spec": {
            "manifests": ["edge.yaml"],
            "platform": "azure-basic",
            "nodes": "nodes.json",
            "gateways": {"mode": "shared", "implementation": "envoy-gateway"},
        },
    }
    edge = GATEWAY + "".join(ROUTE.format(index=index) for index in range(routes))
    for name, text in (("largescale.yaml", json.dumps(spec)), ("edge.yaml", edge)):
        with open(os.path.join(path, name), "w", encoding="utf-8") as file:
            file.write(text)


def write_overlays(path, pools):
    """Writes the same objects for kustomize: a base, an overlay for each pool, and one kustomization that lists them all."""

    def put(name, text):
        full = os.path.join(path, name)
        os.makedirs(os.path.dirname(full), exist_ok=True)
        with open(full, "w", encoding="utf-8") as file:
            file.write(text)

    put("base/kustomization.yaml", "resources: [service.yaml]\n")
    put("base/service.yaml", SERVICE)
    for pool in range(pools):
        put(f"overlays/p{pool}/kustomization.yaml", OVERLAY.format(pool=f"p{pool}"))
    put("kustomization.yaml", "resources:\n" + "".join(f"- overlays/p{pool}\n" for pool in range(pools)))


def main(kind, path, *numbers):
    numbers = [int(number) for number in numbers]
    if kind == "overlays":
        write_overlays(path, *numbers)
    elif kind == "project":
        write_project(path)
        (pools,) = numbers
        write_nodes(os.path.join(path, "nodes.json"), (small_node(i, f"p{pool}") for pool in range(pools) for i in range(2)))
    elif kind == "copies":
        pools, pods = numbers
        write_copies(path, pods)
        write_nodes(os.path.join(path, "nodes.json"), (small_node(i, f"p{pool}") for pool in range(pools) for i in range(2)))
    elif kind == "gateways":
        pools, routes = numbers
        write_gateways(path, routes)
        write_nodes(os.path.join(path, "nodes.json"), (small_node(i, f"p{pool}") for pool in range(pools) for i in range(2)))
    elif kind == "nodes":
        nodes, pools = numbers
        write_nodes(path, (node(i, f"p{i % pools}") for i in range(nodes)))


if __name__ == "__main__":
    main(*sys.argv[1:])
