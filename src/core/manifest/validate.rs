//! Validates an object as the API server does: names, API version, fields and their values.

use serde_json::Value;

use crate::core::manifest::{check_names, fields, removed};
use crate::core::report::diagnostic::{Diagnostic, Location};

/// Returns all problems of an object. `location` returns the location of the value at a pointer, or of the nearest parent
/// if there is none.
pub fn validate(object: &Value, location: impl Fn(&str) -> Location) -> Vec<Diagnostic> {
    let mut problems = check_names(object, &location);
    if let Some(problem) = removed::check(object) {
        problems.push(problem.at(location("/apiVersion")));
        return problems;
    }
    problems.extend(fields::check(object).into_iter().map(|found| {
        let problem = Diagnostic::error(found.message).at(location(&found.pointer));
        Diagnostic { hint: found.hint, ..problem }
    }));
    problems
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::core::yaml;

    /// Returns the problems of an object: the pointer and the message.
    fn problems(text: &str) -> Vec<String> {
        let object = yaml::read_one("m.yaml", text).unwrap().value;
        let found = validate(&object, |pointer| Location::file(pointer));
        found.iter().map(|problem| problem.to_string().trim_start_matches('/').to_owned()).collect()
    }

    /// A Service, a container or a pod template with some fields, in the objects around it.
    fn service(spec: &str) -> String {
        format!("{{apiVersion: v1, kind: Service, metadata: {{name: a}}, spec: {{{spec}}}}}")
    }

    fn pod(spec: &str) -> String {
        format!("{{apiVersion: v1, kind: Pod, metadata: {{name: a}}, spec: {{{spec}}}}}")
    }

    fn container(fields: &str) -> String {
        pod(&format!("containers: [{{name: a, image: b, {fields}}}], volumes: [{{name: v, emptyDir: {{}}}}]"))
    }

    fn deployment(spec: &str) -> String {
        format!("{{apiVersion: apps/v1, kind: Deployment, metadata: {{name: a}}, spec: {{{spec}}}}}")
    }

    const TEMPLATE: &str =
        "template: {metadata: {labels: {a: b}}, spec: {containers: [{name: a, image: b}]}}";

    #[test]
    fn what_the_api_server_accepts() {
        for text in [
            service("type: ExternalName, externalName: a.example.com."),
            service("clusterIP: None"),
            service("type: '', ports: [{port: 80, targetPort: 0}]"),
            service("ports: [{name: a, port: 53}, {name: b, port: 53, protocol: UDP}]"),
            service("ports: [{port: 80, targetPort: web-1, nodePort: 0, appProtocol: kubernetes.io/h2c}]"),
            service("type: LoadBalancer, externalTrafficPolicy: Local, healthCheckNodePort: 30000, ports: [{port: 1}]"),
            service("sessionAffinity: ClientIP, ports: [{port: 1}]"),
            service("externalIPs: [192.0.2.1], externalTrafficPolicy: Local, ports: [{port: 1}]"),
            container("env: [{name: a.b-c}, {name: a.b-c}, {name: X, valueFrom: {fieldRef: {fieldPath: \"metadata.labels['x']\"}}}]"),
            container("volumeMounts: [{name: v, mountPath: /a}, {name: v, mountPath: /b, subPath: c/d}]"),
            container("ports: [{containerPort: 80, protocol: TCP}, {containerPort: 80, protocol: UDP}]"),
            container("resources: {requests: {cpu: 0.5, memory: 1e9}, limits: {cpu: 500m, x.io/gpu: 1}}"),
            container("livenessProbe: {httpGet: {port: 8080}}, lifecycle: {preStop: {sleep: {seconds: 5}}}"),
            pod("containers: [{name: a, image: b}], initContainers: [{name: c, image: d, restartPolicy: Always, livenessProbe: {exec: {command: [a]}}}]"),
            deployment(&format!("selector: {{matchExpressions: [{{key: a, operator: In, values: [b]}}]}}, {TEMPLATE}")),
            deployment(&format!("replicas: 0, selector: {{matchLabels: {{a: b}}}}, strategy: {{rollingUpdate: {{maxSurge: 0}}}}, {TEMPLATE}")),
            "{apiVersion: apps/v1, kind: StatefulSet, metadata: {name: a}, spec: {selector: {matchLabels: {a: b}}, template: {metadata: {labels: {a: b}}, spec: {containers: [{name: a, image: b, volumeMounts: [{name: data, mountPath: /d}]}]}}, volumeClaimTemplates: [{metadata: {name: data}, spec: {accessModes: [ReadWriteOnce], resources: {requests: {storage: 1Gi}}}}]}}".to_owned(),
            "{apiVersion: v1, kind: Secret, metadata: {name: a}, data: {a: YQ==, b: null, c: ''}, stringData: {d: x}}".to_owned(),
            "{apiVersion: example.com/v1, kind: Deployment, metadata: {name: a}, spec: {replicas: -1, x: y}}".to_owned(),
            // A version that is not in the table.
            "{apiVersion: resource.k8s.io/v1beta9, kind: DeviceClass, metadata: {name: a}, spec: {x: y}}".to_owned(),
        ] {
            assert_eq!(problems(&text), Vec::<String>::new(), "{text}");
        }
    }

    #[test]
    fn what_it_refuses() {
        for (text, expected) in [
            (service(""), "spec/ports: missing required field `spec.ports`"),
            (service("type: NodePort, clusterIP: None, ports: [{port: 1}]"), "spec/clusterIP: `spec.clusterIP` is `None`, but `spec.type` is NodePort"),
            (service("ports: [{name: a, port: 80}, {name: b, port: 80}]"), "spec/ports/1/port: `spec.ports[1].port` is 80 with protocol TCP, a duplicate of `spec.ports[0]`"),
            (service("type: NodePort, ports: [{name: a, port: 80, nodePort: 30000}, {name: b, port: 81, nodePort: 30000}]"), "spec/ports/1/nodePort: `spec.ports[1].nodePort` is 30000, a duplicate of `spec.ports[0].nodePort`"),
            (service("ports: [{port: 80, targetPort: Web}]"), "spec/ports/0/targetPort: `spec.ports[0].targetPort` is `Web`, expected a number from 1 to 65535, or the name of a container port: at most 15 lower-case letters, digits and single `-`, with at least one letter"),
            (service("ports: [{port: 80, nodePort: 30000}]"), "spec/ports/0/nodePort: `spec.ports[0].nodePort` is set, but `spec.type` is ClusterIP"),
            (service("type: LoadBalancer, externalTrafficPolicy: local, ports: [{port: 1}]"), "spec/externalTrafficPolicy: invalid value for `spec.externalTrafficPolicy`: `local`, did you mean `Local`?"),
            (service("sessionAffinity: ClientIP, sessionAffinityConfig: {clientIP: {timeoutSeconds: 86401}}, ports: [{port: 1}]"), "spec/sessionAffinityConfig/clientIP/timeoutSeconds: `spec.sessionAffinityConfig.clientIP.timeoutSeconds` is 86401, expected a number from 1 to 86400"),
            (service("ipFamilies: [IPv4, IPv4], ports: [{port: 1}]"), "spec/ipFamilies/1: `spec.ipFamilies[1]` is `IPv4`, a duplicate of `spec.ipFamilies[0]`"),
            (service("selector: {'a b': c}, ports: [{port: 1}]"), "spec/selector: `spec.selector` has the key `a b`, expected NAME or PREFIX/NAME: a DNS subdomain, and at most 63 letters, digits, `-`, `_` and `.`, beginning and ending with a letter or digit"),
            (container("env: [{name: ''}]"), "spec/containers/0/env/0/name: missing required field `spec.containers[0].env[0].name`"),
            (container("env: [{name: A, valueFrom: {}}]"), "spec/containers/0/env/0/valueFrom: `spec.containers[0].env[0].valueFrom` has none of the fields that it needs"),
            (container("env: [{name: A, value: b, valueFrom: {secretKeyRef: {name: s, key: k}}}]"), "spec/containers/0/env/0/valueFrom: `spec.containers[0].env[0].valueFrom` is set, and `value` too"),
            (container("envFrom: [{}]"), "spec/containers/0/envFrom/0: `spec.containers[0].envFrom[0]` has none of the fields that it needs"),
            (container("volumeMounts: [{name: w, mountPath: /a}]"), "spec/containers/0/volumeMounts/0/name: `spec.containers[0].volumeMounts[0].name` is `w`, which is not the name of a volume of the pod"),
            (container("volumeMounts: [{name: v, mountPath: /a}, {name: v, mountPath: /a}]"), "spec/containers/0/volumeMounts/1/mountPath: `spec.containers[0].volumeMounts[1].mountPath` is `/a`, a duplicate of `spec.containers[0].volumeMounts[0].mountPath`"),
            (container("resources: {requests: {cpu: 1.5}, limits: {cpu: 1000m}}"), "spec/containers/0/resources/requests/cpu: `spec.containers[0].resources.requests.cpu` is 1.5, expected at most the limit (`1000m`)"),
            (container("resources: {limits: {memory: 1GB}}"), "spec/containers/0/resources/limits/memory: `spec.containers[0].resources.limits.memory` is `1GB`, expected a quantity, such as `500m`, `2` or `1Gi`"),
            (container("resources: {limits: {memorry: 1G}}"), "spec/containers/0/resources/limits/memorry: `memorry` is not a resource of containers, did you mean `memory`?"),
            (container("readinessProbe: {httpGet: {port: 1}, exec: {command: [a]}}"), "spec/containers/0/readinessProbe: `spec.containers[0].readinessProbe` has both `exec` and `httpGet`"),
            (pod("containers: [{name: a, image: b}, {name: a, image: c}]"), "spec/containers/1/name: `spec.containers[1].name` is `a`, a duplicate of `spec.containers[0].name`"),
            (pod("containers: [{name: a, image: b}], tolerations: [{operator: Exists, value: x}]"), "spec/tolerations/0/value: `spec.tolerations[0].value` is set, but `operator` is Exists"),
            (pod("containers: [null]"), "spec/containers/0/image: missing required field `spec.containers[0].image`"),
            (deployment(TEMPLATE), "spec/selector: missing required field `spec.selector`"),
            (deployment(&format!("selector: {{matchLabels: {{a: c}}}}, {TEMPLATE}")), "spec/template/metadata/labels: `spec.template.metadata.labels` does not match `spec.selector` (`a=c`)"),
            (deployment(&format!("selector: {{}}, {TEMPLATE}")), "spec/selector: `spec.selector` is empty, expected labels of the pod template"),
            (deployment(&format!("replicas: 3000000000, selector: {{matchLabels: {{a: b}}}}, {TEMPLATE}")), "spec/replicas: `spec.replicas` is 3000000000, a number, expected a whole number from -2147483648 to 2147483647"),
            (deployment(&format!("strategy: {{rollingUpdate: {{maxSurge: 0, maxUnavailable: 0%}}}}, selector: {{matchLabels: {{a: b}}}}, {TEMPLATE}")), "spec/strategy/rollingUpdate/maxUnavailable: `spec.strategy.rollingUpdate.maxUnavailable` and `maxSurge` are both 0"),
            ("{apiVersion: v1, kind: ConfigMap, metadata: {name: a}, data: {a: 1}}".to_owned(), "data/a: `data.a` is 1, a number, expected a string"),
            ("{apiVersion: v1, kind: ConfigMap, metadata: {name: a}, data: {a: x}, binaryData: {a: YQ==}}".to_owned(), "data/a: `data.a` has the key of a value in `binaryData`"),
            ("{apiVersion: v1, kind: Secret, metadata: {name: a}, data: {a: hunter2}}".to_owned(), "data/a: `data.a` is not base64"),
            ("{apiVersion: v1, kind: Secret, metadata: {name: a}, data: {a: 12345}}".to_owned(), "data/a: `data.a` is a number, expected a string with base64"),
            ("{apiVersion: v1, kind: Secret, metadata: {name: a}, type: kubernetes.io/tls, data: {tls.crt: ''}}".to_owned(), "data/tls.key: missing required field `data[tls.key]`"),
            ("{apiVersion: batch/v1, kind: Job, metadata: {name: a}, spec: {template: {spec: {containers: [{name: a, image: b}]}}}}".to_owned(), "spec/template/spec/restartPolicy: missing required field `spec.template.spec.restartPolicy`"),
        ] {
            let found = problems(&text);
            assert!(found.iter().any(|found| found == expected), "{text}\n{found:#?}\n{expected}");
        }
    }
}
