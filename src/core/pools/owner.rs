//! An object that makes nodes, and the reader of a file with such objects.

use serde_json::{Map, Value};

use crate::core::live::LiveObject;
use crate::core::report::describe::kind_of;
use crate::core::report::diagnostic::{Checked, Diagnostic, Location};
use crate::core::spec::{OwnerKind, PoolsFrom};
use crate::core::yaml;

/// An object that makes nodes.
#[derive(Clone, Debug)]
pub struct Owner {
    pub(super) value: Value,
    location: Option<Location>,
}

/// The objects of one entry of `spec.pools.from`.
#[derive(Clone, Debug)]
pub struct OwnerList {
    /// The entry.
    pub from: PoolsFrom,
    /// Its index.
    pub index: usize,
    /// The objects.
    pub owners: Vec<Owner>,
}

/// Reads the objects of a kind in a file: a list, or manifests. Other kinds are ignored if there is one of this kind.
pub fn read_owners(file: &str, text: &str, kind: OwnerKind) -> Checked<Vec<Owner>> {
    let mut owners = Vec::new();
    let mut other = None;
    let mut is_empty = true;
    for document in yaml::read(file, text)? {
        // The list of a cluster without such objects.
        is_empty &= document.is_list() || document.value.is_null();
        for object in document.into_objects() {
            is_empty &= object.value.is_null();
            let found = object.value.get("kind").and_then(Value::as_str).unwrap_or_default();
            let version = object.value.get("apiVersion").and_then(Value::as_str).unwrap_or_default();
            let (group, _) = version.split_once('/').unwrap_or_default();
            if found == kind.name() && group == kind.group() {
                let location = Some(object.location(""));
                owners.push(Owner { value: object.value, location });
            } else if other.is_none() && !object.value.is_null() {
                let found = if found.is_empty() { kind_of(&object.value) } else { format!("a {found}") };
                other = Some((found, object.location("")));
            }
        }
    }
    let expected = format!("write them with `kubectl get {} -A -o json`", kind.resource());
    match other {
        Some((found, location)) if owners.is_empty() => Err(Diagnostic::error(format!(
            "the file has no {} of {}; it has {found}",
            kind.name(),
            kind.group()
        ))
        .at(location)
        .hint(expected)
        .into()),
        None if text.trim().is_empty() || !is_empty && owners.is_empty() => {
            Err(Diagnostic::error("the file is empty").at(Location::file(file)).hint(expected).into())
        }
        _ => Ok(owners),
    }
}

/// The labels that an object gives to what it makes.
pub(super) struct Labels<'a> {
    owner: &'a Owner,
    map: Option<&'a Map<String, Value>>,
}

impl Labels<'_> {
    /// Returns the value of a label.
    pub(super) fn text(&self, key: &str) -> Result<Option<&str>, String> {
        match self.map.and_then(|map| map.get(key)) {
            None | Some(Value::Null) => Ok(None),
            Some(Value::String(text)) => Ok(Some(text)),
            Some(other) => {
                Err(self.owner.has_type(&format!("spec.template.metadata.labels.{key}"), other, "a string"))
            }
        }
    }
}

impl Owner {
    /// Returns an object of a cluster.
    pub fn live(object: LiveObject) -> Self {
        Self { value: object.into_value(), location: None }
    }

    /// Returns the string at a pointer; empty if there is none.
    pub(super) fn text(&self, pointer: &str) -> &str {
        self.value.pointer(pointer).and_then(Value::as_str).unwrap_or_default()
    }

    pub(super) fn name(&self) -> &str {
        self.text("/metadata/name")
    }

    pub(super) fn namespace(&self) -> &str {
        self.text("/metadata/namespace")
    }

    pub(super) fn version(&self) -> &str {
        self.text("/apiVersion").split_once('/').map_or("", |(_, version)| version)
    }

    pub(super) fn is_being_deleted(&self) -> bool {
        self.value.pointer("/metadata/deletionTimestamp").is_some_and(|time| !time.is_null())
    }

    /// Adds the location of the object, if it is of a file.
    pub(super) fn at(&self, problem: Diagnostic) -> Diagnostic {
        Diagnostic { location: self.location.clone(), ..problem }
    }

    /// Returns the labels of the template.
    pub(super) fn labels(&self) -> Result<Labels<'_>, String> {
        let map = match self.value.pointer("/spec/template/metadata/labels") {
            None | Some(Value::Null) => None,
            Some(Value::Object(map)) => Some(map),
            Some(other) => return Err(self.has_type("spec.template.metadata.labels", other, "an object")),
        };
        Ok(Labels { owner: self, map })
    }

    /// Returns the message about a field of another type.
    pub(super) fn has_type(&self, field: &str, found: &Value, expected: &str) -> String {
        format!("{self}: `{field}` is {}, expected {expected}", kind_of(found))
    }
}

impl std::fmt::Display for Owner {
    /// Formats the object for messages: `NodePool/web`, `MachineDeployment/clusters/web`.
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        f.write_str(self.text("/kind"))?;
        if !self.namespace().is_empty() {
            write!(f, "/{}", self.namespace())?;
        }
        write!(f, "/{}", self.name())
    }
}
