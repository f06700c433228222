//! Records what an import leaves out, and reports it in a few sentences.

use std::collections::{BTreeMap, BTreeSet};

use serde::Deserialize;
use serde_json::Value;

use crate::core::json::has_content;
use crate::core::pointer;
use crate::core::report::plural::{first_of, plural};

/// Who wrote what is left out.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord, Deserialize)]
#[serde(rename_all = "camelCase")]
pub(crate) enum Topic {
    /// The API server.
    Server,
    /// The API server, for one Service.
    Allocated,
    /// Controllers of Kubernetes.
    Controllers,
    /// Controllers that wait for the deletion of the object.
    Finalizers,
    /// The controllers of load balancers.
    Platforms,
    /// Helm, Argo CD, Flux and others.
    Tools,
    /// Autoscalers.
    Autoscalers,
    /// The API server, where the user wrote nothing.
    Defaults,
}

/// What was left out.
#[derive(Clone, Debug, Default)]
pub(crate) struct Dropped {
    topics: BTreeMap<Topic, Fields>,
    /// Whole objects: who brings them, then the objects.
    objects: BTreeMap<String, Vec<String>>,
}

/// The fields of one topic.
#[derive(Clone, Debug, Default)]
struct Fields {
    count: usize,
    names: BTreeSet<String>,
    objects: BTreeSet<String>,
}

impl Dropped {
    /// Removes the field at a pointer from an object, and records it unless it is empty.
    pub(crate) fn remove(&mut self, topic: Topic, object: &mut Value, path: &str, key: &str) {
        let Some(value) = take(object, path) else { return };
        if has_content(&value) || topic == Topic::Defaults {
            self.note(topic, path, &value, key);
        }
    }

    fn note(&mut self, topic: Topic, path: &str, value: &Value, key: &str) {
        let fields = self.topics.entry(topic).or_default();
        fields.count += 1;
        fields.names.insert(name(topic, path, value));
        fields.objects.insert(key.to_owned());
    }

    /// Records a field that was removed.
    pub(crate) fn count(&mut self, topic: Topic, path: &str, key: &str) {
        self.note(topic, path, &Value::Null, key);
    }

    /// Records an object that is left out as a whole.
    pub(crate) fn object(&mut self, why: String, key: String) {
        self.objects.entry(why).or_default().push(key);
    }

    /// Returns the sentences, one for each topic.
    pub(crate) fn sentences(&self) -> Vec<String> {
        let of = |(topic, fields): (&Topic, &Fields)| fields.sentence(*topic);
        let mut all: Vec<String> = self.topics.iter().map(of).collect();
        for (why, keys) in &self.objects {
            let names: Vec<&str> = keys.iter().map(String::as_str).collect();
            all.push(format!("left out {} {why}: {}", plural(keys.len(), "object"), first_of(&names)));
        }
        all
    }
}

impl Fields {
    fn sentence(&self, topic: Topic) -> String {
        let objects = plural(self.objects.len(), "object");
        let fields = plural(self.count, "field");
        let names: Vec<&str> = self.names.iter().map(String::as_str).collect();
        let names = first_of(&names);
        let stay = if self.count == 1 { "it stays" } else { "they stay" };
        let live = |kind: &str| format!("live {kind}{}", if self.objects.len() == 1 { "" } else { "s" });
        match topic {
            Topic::Server => format!("dropped {fields} that the API server wrote from {objects}: {names}"),
            Topic::Allocated => format!(
                "dropped what the API server allocated to {}, which {} it: {names}",
                plural(self.objects.len(), "Service"),
                if self.objects.len() == 1 { "keeps" } else { "keep" }
            ),
            Topic::Controllers => {
                format!("dropped {fields} that controllers of Kubernetes wrote from {objects}: {names}")
            }
            Topic::Finalizers => {
                format!(
                    "dropped {} from {objects}; {stay} on the {}: {names}",
                    plural(self.count, "finalizer"),
                    live("object")
                )
            }
            Topic::Platforms => format!(
                "dropped {fields} that controllers of load balancers wrote from {}; {stay} on the {}: {names}",
                plural(self.objects.len(), "Service"),
                live("Service")
            ),
            Topic::Tools => format!(
                "dropped {fields} by which other tools recognize {objects}; {stay} on the {}: {names}",
                live("object")
            ),
            Topic::Autoscalers => {
                format!("dropped {names} from {objects}, because an autoscaler sets the number")
            }
            Topic::Defaults => format!(
                "dropped {fields} with the defaults of the API server from {objects}; --keep-defaults keeps them"
            ),
        }
    }
}

/// Returns how a sentence names a field.
fn name(topic: Topic, path: &str, value: &Value) -> String {
    if topic == Topic::Finalizers {
        return format!("`{}`", value.as_str().unwrap_or_default());
    }
    for parent in ["/metadata/annotations/", "/metadata/labels/"] {
        if path.starts_with(parent) {
            return format!("`{}`", pointer::keys(path).last().unwrap_or_default());
        }
    }
    let of_items: Vec<_> = pointer::keys(path)
        .filter(|key| key.parse::<usize>().is_err())
        .map(std::borrow::Cow::into_owned)
        .collect();
    format!("`{}`", of_items.join("."))
}

/// Removes and returns the value at a pointer: a field of a map or an item of a list.
pub(crate) fn take(object: &mut Value, path: &str) -> Option<Value> {
    let (parent, _) = path.rsplit_once('/')?;
    let key = pointer::keys(path).last()?;
    match object.pointer_mut(parent)? {
        Value::Object(map) => map.remove(&*key),
        Value::Array(list) => {
            let index = key.parse::<usize>().ok().filter(|index| *index < list.len())?;
            Some(list.remove(index))
        }
        _ => None,
    }
}

#[cfg(test)]
mod tests {
    use serde_json::json;

    use super::*;

    #[test]
    fn each_topic_is_one_sentence() {
        let mut dropped = Dropped::default();
        let mut object = json!({"metadata": {"uid": "1", "generation": 2, "creationTimestamp": null,
            "finalizers": ["a/b"], "annotations": {"x/y": "z"}}, "spec": {"ports": [{"nodePort": 1}, {"nodePort": 2}]}});
        for (topic, path) in [
            (Topic::Server, "/metadata/uid"),
            (Topic::Server, "/metadata/generation"),
            (Topic::Server, "/metadata/creationTimestamp"),
            (Topic::Finalizers, "/metadata/finalizers/0"),
            (Topic::Platforms, "/metadata/annotations/x~1y"),
            (Topic::Allocated, "/spec/ports/0/nodePort"),
            (Topic::Allocated, "/spec/ports/1/nodePort"),
            (Topic::Allocated, "/spec/ports/7/nodePort"),
        ] {
            dropped.remove(topic, &mut object, path, "service/a");
        }
        dropped.object("that Deployment web controls".to_owned(), "replicaset/web-1".to_owned());
        assert_eq!(
            object,
            json!({"metadata": {"finalizers": [], "annotations": {}}, "spec": {"ports": [{}, {}]}})
        );
        assert_eq!(
            dropped.sentences(),
            [
                "dropped 2 fields that the API server wrote from 1 object: `metadata.generation`, `metadata.uid`",
                "dropped what the API server allocated to 1 Service, which keeps it: `spec.ports.nodePort`",
                "dropped 1 finalizer from 1 object; it stays on the live object: `a/b`",
                "dropped 1 field that controllers of load balancers wrote from 1 Service; it stays on the live Service: `x/y`",
                "left out 1 object that Deployment web controls: replicaset/web-1",
            ]
        );
    }
}
