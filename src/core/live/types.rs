//! The types of Kubernetes' own objects: how an apply merges a value, how the server writes it, and what it adds.
//!
//! `kubernetes-types.json` is generated from Kubernetes' Go types (`make types`), with one type on each line.
//! `kubernetes-defaults.json` is written by hand from `pkg/apis/*/*/defaults.go` of k8s.io/kubernetes 1.36, and from what its
//! admission plugins and registries set: a value, or null if the server computes the value. `aliases` are fields that the
//! server sets from another field, so that their own value may have no effect. `computed` says how it computes some values.

use std::collections::{BTreeMap, BTreeSet, HashMap};
use std::sync::OnceLock;

use serde::Deserialize;
use serde_json::Value;

use crate::core::live::computed::Computed;

const TYPES: &str = include_str!("kubernetes-types.json");
const DEFAULTS: &str = include_str!("kubernetes-defaults.json");

/// The type of an object of an unknown kind in a group of Kubernetes.
const OTHER_KIND: &str = "?";

/// The type of a custom resource, and of everything in it except its metadata.
const CUSTOM_KIND: &str = "custom resource";
const CUSTOM: &str = "custom";

/// The type of the metadata of every object.
const METADATA: &str = "meta.ObjectMeta";

/// The table, whose types are parsed when they are first needed: an object needs a few of 360.
#[derive(Default)]
struct KnownTypes {
    kinds: HashMap<&'static str, &'static str>,
    atomic: BTreeSet<&'static str>,
    types: HashMap<&'static str, KnownType>,
}

struct KnownType {
    line: &'static str,
    fields: OnceLock<Words>,
}

/// Names with the words of the table.
type Words = BTreeMap<&'static str, &'static str>;

impl KnownTypes {
    /// Reads the lines of the table: `"name":value` and a comma.
    fn read(table: &'static str) -> Self {
        let mut known = Self::default();
        for line in table.lines() {
            let Some((name, value)) = line.strip_prefix('"').and_then(|line| line.split_once("\":")) else {
                continue;
            };
            let value = value.strip_suffix(',').unwrap_or(value);
            if value.starts_with('{') && value.ends_with('}') {
                known.types.insert(name, KnownType { line: value, fields: OnceLock::new() });
            } else if name == "atomic" {
                known.atomic = serde_json::from_str(value).unwrap_or_default();
            } else if let Some(word) = value.strip_prefix('"').and_then(|value| value.strip_suffix('"')) {
                known.kinds.insert(name, word);
            }
        }
        known
    }

    fn fields(&self, name: &str) -> Option<&Words> {
        let known = self.types.get(name)?;
        Some(known.fields.get_or_init(|| serde_json::from_str(known.line).unwrap_or_default()))
    }
}

#[derive(Default, Deserialize)]
struct ServerRules {
    defaults: BTreeMap<String, BTreeMap<String, Value>>,
    aliases: BTreeMap<String, BTreeSet<String>>,
    computed: BTreeMap<String, BTreeMap<String, Computed>>,
}

/// The type of one value.
#[derive(Clone, Copy, Debug, PartialEq)]
pub(super) struct Shape {
    /// The type in the words of the table; empty if it is unknown.
    word: &'static str,
    /// Whether it is a field of a Go struct, so that its zero value may be left out.
    is_field: bool,
    /// The value that the server adds if the field is missing.
    pub(super) default: ServerDefault,
}

/// The value that the server adds if a field is missing.
#[derive(Clone, Copy, Debug, PartialEq)]
pub(super) enum ServerDefault {
    /// No value.
    Nothing,
    /// Always this value.
    Is(&'static Value),
    /// A value that depends on other fields, on the cluster, or is unknown.
    Computed,
    /// The server sets the field from another field, whatever its own value is.
    Alias,
}

/// What a value consists of.
#[derive(Clone, Copy, Debug, PartialEq)]
pub(super) enum Kind {
    /// The type is unknown.
    Unknown,
    Text,
    Flag,
    Number,
    Quantity,
    IntOrText,
    Bytes,
    /// A struct with known fields.
    Struct,
    /// A map with keys of users.
    Map,
    List,
}

/// How an apply merges a list.
#[derive(Clone, Copy, Debug, PartialEq)]
pub(super) enum Merge {
    /// As a whole.
    Whole,
    /// As a set of scalars.
    Set,
    /// By these fields of its items.
    Keys(&'static str),
}

impl Shape {
    /// A value of an unknown type.
    pub(super) const UNKNOWN: Self = Self { word: "", is_field: false, default: ServerDefault::Computed };

    /// Returns the type of an object. Of an unknown kind, only the metadata is known.
    pub(super) fn of_object(api_version: &str, kind: &str) -> Self {
        let group = api_version.split_once('/').map_or("", |(group, _)| group);
        let is_custom = group.contains('.') && !group.ends_with(".k8s.io");
        let other = if is_custom { CUSTOM_KIND } else { OTHER_KIND };
        let word = types().kinds.get(format!("{api_version} {kind}").as_str()).copied().unwrap_or(other);
        Self { word, ..Self::UNKNOWN }
    }

    /// Returns the type of the metadata of any object.
    pub(super) fn metadata() -> Self {
        Self { word: METADATA, is_field: true, default: ServerDefault::Nothing }
    }

    pub(super) fn kind(self) -> Kind {
        match self.bare() {
            "" | OTHER_KIND | CUSTOM_KIND | CUSTOM | "any" | "time" => Kind::Unknown,
            "string" => Kind::Text,
            "boolean" => Kind::Flag,
            "integer" | "number" => Kind::Number,
            "quantity" => Kind::Quantity,
            "int-or-string" => Kind::IntOrText,
            "bytes" => Kind::Bytes,
            list if list.starts_with('[') => Kind::List,
            map if map.starts_with('{') => Kind::Map,
            _ => Kind::Struct,
        }
    }

    /// Whether the value is applied as a whole.
    pub(super) fn is_atomic(self) -> bool {
        self.word.starts_with('=')
            || self.word.starts_with("!=")
            || types().atomic.contains(self.bare())
            || self.kind() == Kind::List && self.merge() == Merge::Whole
    }

    /// Whether no object may be without the field.
    pub(super) fn is_required(self) -> bool {
        self.word.starts_with('!')
    }

    /// Whether it is a field of a struct.
    pub(super) fn is_field(self) -> bool {
        self.is_field
    }

    /// Whether the server may leave it out: a feature gate turns off fields of structs, and the schema of a custom resource is
    /// unknown.
    pub(super) fn is_optional(self) -> bool {
        self.kind() == Kind::Unknown || self.is_field && self.kind() != Kind::Map
    }

    /// Whether the server keeps its zero value, because it is an entry of a map or list, or a pointer.
    pub(super) fn keeps_zero(self) -> bool {
        !self.is_field || self.word.trim_start_matches(['!', '=']).starts_with('*')
    }

    /// Returns the type of a field of a struct, or of a value of a map.
    pub(super) fn field(self, name: &str) -> Self {
        let bare = self.bare();
        match (bare, name) {
            (OTHER_KIND | CUSTOM_KIND, "metadata") => return Self::metadata(),
            (CUSTOM_KIND | CUSTOM, _) => return Self { word: CUSTOM, ..Self::UNKNOWN },
            _ => {}
        }
        if let Some(item) = bare.strip_prefix('{').and_then(|rest| rest.strip_suffix('}')) {
            let default = match self.default {
                ServerDefault::Computed => ServerDefault::Computed,
                _ => ServerDefault::Nothing,
            };
            return Self { word: item, is_field: false, default };
        }
        let Some(word) = types().fields(bare).and_then(|fields| fields.get(name)) else {
            return Self::UNKNOWN;
        };
        Self { word, is_field: true, default: default_of(bare, name) }
    }

    /// Returns the type of the items of a list.
    pub(super) fn item(self) -> Self {
        if self.is_custom() {
            return self;
        }
        let inner = self.bare().strip_prefix('[').and_then(|rest| rest.strip_suffix(']'));
        let word = inner.map_or("", |inner| inner.split_once(' ').map_or(inner, |(item, _)| item));
        Self { word, is_field: false, default: ServerDefault::Nothing }
    }

    /// Returns how an apply merges the list.
    pub(super) fn merge(self) -> Merge {
        let inner = self.bare().strip_prefix('[').and_then(|rest| rest.strip_suffix(']'));
        match inner.and_then(|inner| inner.split_once(' ')) {
            None => Merge::Whole,
            Some((_, "=")) => Merge::Set,
            Some((_, keys)) => Merge::Keys(keys),
        }
    }

    /// Returns how the server computes a field of the struct, if the table says it.
    pub(super) fn computed(self, name: &str) -> Option<&'static Computed> {
        server().computed.get(self.bare())?.get(name)
    }

    /// Whether it is in a custom resource, whose strings the server stores as they are.
    pub(super) fn is_custom(self) -> bool {
        self.word == CUSTOM
    }

    fn bare(self) -> &'static str {
        self.word.trim_start_matches(['!', '=', '*'])
    }
}

fn default_of(name: &str, field: &str) -> ServerDefault {
    let ServerRules { defaults, aliases, .. } = server();
    if aliases.get(name).is_some_and(|fields| fields.contains(field)) {
        return ServerDefault::Alias;
    }
    match defaults.get(name).and_then(|fields| fields.get(field)) {
        None => ServerDefault::Nothing,
        Some(Value::Null) => ServerDefault::Computed,
        Some(value) => ServerDefault::Is(value),
    }
}

/// Returns the table of types, which is parsed once, when it is first needed.
fn types() -> &'static KnownTypes {
    static KNOWN: OnceLock<KnownTypes> = OnceLock::new();
    KNOWN.get_or_init(|| KnownTypes::read(TYPES))
}

/// Returns the defaults of the server.
fn server() -> &'static ServerRules {
    static KNOWN: OnceLock<ServerRules> = OnceLock::new();
    KNOWN.get_or_init(|| serde_json::from_str(DEFAULTS).unwrap_or_default())
}

#[cfg(test)]
mod tests {
    use super::*;

    fn at(path: &str) -> Shape {
        let mut shape = Shape::of_object("apps/v1", "Deployment");
        for step in path.split('.') {
            shape = if step == "0" { shape.item() } else { shape.field(step) };
        }
        shape
    }

    #[test]
    fn shapes_of_a_deployment() {
        const POD: &str = "spec.template.spec";
        let containers = at(&format!("{POD}.containers"));
        assert_eq!((containers.kind(), containers.merge()), (Kind::List, Merge::Keys("name")));
        let tolerations = at(&format!("{POD}.tolerations"));
        assert_eq!((tolerations.merge(), tolerations.is_atomic()), (Merge::Whole, true));
        assert!(at("spec.selector").is_atomic() && at(&format!("{POD}.nodeSelector")).is_atomic());
        assert!(at("spec.replicas").keeps_zero() && !at("spec.paused").keeps_zero());
        let cpu = at(&format!("{POD}.containers.0.resources.limits.cpu"));
        assert_eq!((cpu.kind(), cpu.keeps_zero()), (Kind::Quantity, true));
        let secret = at(&format!("{POD}.containers.0.env.0.valueFrom.secretKeyRef"));
        assert_eq!((secret.kind(), secret.is_atomic()), (Kind::Struct, true));
        assert_eq!(at("metadata.finalizers").merge(), Merge::Set);
        assert_eq!(at("spec.nothing.like.it").kind(), Kind::Unknown);
        assert!(matches!(at("spec.replicas").default, ServerDefault::Is(value) if *value == 1));
        assert_eq!(at("spec.strategy.rollingUpdate").default, ServerDefault::Computed);
        assert_eq!(at(&format!("{POD}.serviceAccount")).default, ServerDefault::Alias);
        assert_eq!(Shape::of_object("example.com/v1", "Widget").kind(), Kind::Unknown);
        let custom = Shape::of_object("example.com/v1", "Widget").field("spec");
        assert!(custom.is_custom() && custom.field("list").item().field("metadata").is_custom());
        assert!(!Shape::of_object("gateway.networking.k8s.io/v1", "Gateway").field("spec").is_custom());
        assert_eq!(Shape::of_object("example.com/v1", "Widget").field("metadata"), Shape::metadata());
        assert_eq!(Shape::metadata().field("labels").kind(), Kind::Map);
    }

    #[test]
    fn the_tables_are_complete() {
        let known = types();
        assert!(known.kinds.len() > 50 && known.types.len() > 300);
        // The lines are those of the JSON document.
        let whole: Value = serde_json::from_str(TYPES).unwrap();
        assert_eq!(serde_json::to_value(&known.kinds).unwrap(), whole["kinds"]);
        assert_eq!(serde_json::to_value(&known.atomic).unwrap(), whole["atomic"]);
        let fields: BTreeMap<&str, &Words> =
            known.types.keys().map(|name| (*name, known.fields(name).unwrap())).collect();
        assert_eq!(serde_json::to_value(&fields).unwrap(), whole["types"]);
        let mut words: BTreeSet<&str> = known.kinds.values().copied().collect();
        words.extend(fields.values().flat_map(|fields| fields.values().copied()));
        for word in words {
            let mut word = word;
            while let Some(inner) = word.trim_start_matches(['!', '=', '*']).strip_prefix(['[', '{']) {
                word = inner.trim_end_matches([']', '}']).split(' ').next().unwrap_or_default();
            }
            let word = word.trim_start_matches(['!', '=', '*']);
            let scalars = "any boolean bytes int-or-string integer number quantity string time";
            assert!(
                scalars.split(' ').any(|scalar| scalar == word) || known.types.contains_key(word),
                "{word}"
            );
        }
        let all =
            server().defaults.iter().flat_map(|(name, fields)| fields.keys().map(move |field| (name, field)));
        let computed = server().computed.iter();
        let computed = computed.flat_map(|(name, fields)| fields.keys().map(move |field| (name, field)));
        assert!(server().computed.contains_key("core.v1.Container"));
        for (name, field) in all.chain(computed) {
            assert!(
                fields.get(name.as_str()).is_some_and(|fields| fields.contains_key(field.as_str())),
                "{name}.{field}"
            );
        }
    }
}
