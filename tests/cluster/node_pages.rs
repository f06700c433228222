//! Pages of node lists of any length, in the format of an API server.

use crate::fake_server::{Reply, Seen};

/// Returns a page of a list of `total` nodes, generated on request, so that the whole list is never in memory.
/// `continue` is the number of the next node, with characters that a query must escape.
pub(crate) fn page_of_nodes(total: usize, request: &Seen) -> Reply {
    let limit: usize = request.parameter("limit").unwrap().parse().unwrap();
    let first = request.parameter("continue").map_or(0, |token| {
        token
            .strip_prefix("a%2Bb%2F%3D")
            .or_else(|| token.strip_prefix("a%2Bb/%3D"))
            .unwrap_or(token)
            .parse()
            .unwrap()
    });
    let end = total.min(first + limit);
    let mut body = String::with_capacity((end - first) * 10_000);
    body.push_str(r#"{"kind":"NodeList","apiVersion":"v1","metadata":{"resourceVersion":"7""#);
    if end < total {
        body.push_str(&format!(r#","continue":"a+b/={end}","remainingItemCount":{}"#, total - end));
    }
    body.push_str(r#"},"items":["#);
    for number in first..end {
        body.push_str(if number == first { "" } else { "," });
        push_node(&mut body, number);
    }
    body.push_str("]}");
    Reply::json(200, body)
}

/// Appends a node with the fields that make a real node 9 KB large.
fn push_node(body: &mut String, number: usize) {
    let pool = number % 10;
    body.push_str(&format!(
        r#"{{"metadata":{{"name":"aks-pool{pool}-12345678-vmss{number:06}","uid":"00000000-0000-0000-0000-{number:012}",
        "labels":{{"agentpool":"pool{pool}","kubernetes.io/hostname":"aks-pool{pool}-12345678-vmss{number:06}",
        "beta.kubernetes.io/arch":"amd64","beta.kubernetes.io/os":"linux","kubernetes.io/arch":"amd64",
        "kubernetes.io/os":"linux","node.kubernetes.io/instance-type":"Standard_D8s_v5","storageprofile":"managed",
        "topology.kubernetes.io/region":"westeurope","topology.kubernetes.io/zone":"westeurope-{zone}",
        "kubernetes.azure.com/cluster":"MC_group_cluster_westeurope","kubernetes.azure.com/mode":"user"}},
        "annotations":{{"volumes.kubernetes.io/controller-managed-attach-detach":"true"}},"managedFields":["#,
        zone = number % 3,
    ));
    for entry in 0..3 {
        let comma = if entry == 0 { "" } else { "," };
        body.push_str(&format!(
            r#"{comma}{{"manager":"kubelet{entry}","operation":"Update","fieldsV1":{{"f:metadata":{{"#
        ));
        for field in 0..25 {
            let comma = if field == 0 { "" } else { "," };
            body.push_str(&format!(r#"{comma}"f:some.kubernetes.io/field-{field}":{{}}"#));
        }
        body.push_str("}}}");
    }
    body.push_str(&format!(
        r#"]}},"spec":{{"providerID":"azure:///subscriptions/s/resourceGroups/g/providers/Microsoft.Compute/virtualMachineScaleSets/aks-pool{pool}-vmss/virtualMachines/{number}"}},
        "status":{{"conditions":[{{"type":"MemoryPressure","status":"False"}},{{"type":"Ready","status":"True","message":"kubelet is posting ready status"}}],"images":["#,
    ));
    for image in 0..25 {
        let comma = if image == 0 { "" } else { "," };
        body.push_str(&format!(
            r#"{comma}{{"names":["mcr.microsoft.com/some/where/image-{image}@sha256:0123456789abcdef0123456789abcdef0123456789abcdef0123456789abcdef","mcr.microsoft.com/some/where/image-{image}:v1.2.{image}"],"sizeBytes":123456789}}"#
        ));
    }
    body.push_str("]}}");
}
