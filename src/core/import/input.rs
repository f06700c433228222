//! The input of an import, besides the documents.

use std::collections::BTreeMap;

use serde_json::Value;

use crate::core::kubernetes::node::Node;
use crate::core::platform::Platform;
use crate::core::pools::PoolSet;
use crate::core::report::diagnostic::Diagnostic;
use crate::core::yaml::Document;

/// The cluster that the documents are imported for, and what the user states.
#[derive(Clone, Copy, Debug)]
pub struct ImportInput<'a> {
    /// The platform of the load balancers.
    pub platform: &'a Platform,
    /// All platforms whose bindings are recognized.
    pub platforms: &'a [Platform],
    /// The pools.
    pub pools: &'a PoolSet,
    /// The nodes of the cluster.
    pub nodes: &'a [Node],
    /// Objects that select the nodes of Services and are not imported.
    pub selecting: &'a [Value],
    /// The pools that the user states (`--pool`).
    pub choices: &'a [PoolChoice],
    /// The controllers of the GatewayClasses that the cluster had, by name.
    pub classes: &'a BTreeMap<String, String>,
    /// The existing configuration in the cloud (`--cloud-config`).
    pub cloud_config: Option<&'a Document>,
    /// What to do with pools that have no existing Service.
    pub without_service: PoolsWithoutService,
    /// How to read objects.
    pub options: ImportOptions<'a>,
}

/// How to read objects.
#[derive(Clone, Copy, Debug, Default)]
pub struct ImportOptions<'a> {
    /// Keep the fields that the API server would add again with the same values.
    pub keep_defaults: bool,
    /// The namespace of objects that state none.
    pub namespace: Option<&'a str>,
}

/// What to do with pools that have no existing Service.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub enum PoolsWithoutService {
    /// Exclude them, so that nothing new is created.
    #[default]
    Exclude,
    /// Give them Services (`--all-pools`).
    Include,
}

/// The pool of a Service, as the user states it: `SERVICE=POOL` or `NAMESPACE/SERVICE=POOL`.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct PoolChoice {
    /// The namespace, if it is stated.
    pub namespace: Option<String>,
    /// The name of the Service.
    pub service: String,
    /// The value of the pool label, or the name of the pool.
    pub pool: String,
}

impl PoolChoice {
    /// Reads `SERVICE=POOL` or `NAMESPACE/SERVICE=POOL`.
    pub fn of_flag(text: &str) -> Result<Self, Diagnostic> {
        let malformed = || {
            Diagnostic::error(format!(
                "invalid --pool `{text}`: expected SERVICE=POOL or NAMESPACE/SERVICE=POOL"
            ))
            .hint("name a Service of the input, and its pool, such as --pool web=users")
        };
        let (of, pool) = text.split_once('=').ok_or_else(malformed)?;
        let (namespace, service) = match of.split_once('/') {
            Some((namespace, service)) => (Some(namespace), service),
            None => (None, of),
        };
        let is_wrong = |part: &str| part.is_empty() || part.contains(['=', '/']);
        if is_wrong(service) || is_wrong(pool) || namespace.is_some_and(is_wrong) {
            return Err(malformed());
        }
        let namespace = namespace.map(str::to_owned);
        Ok(Self { namespace, service: service.to_owned(), pool: pool.to_owned() })
    }

    /// Whether the choice is for a Service.
    pub(crate) fn is_for(&self, namespace: &str, service: &str) -> bool {
        self.service == service && self.namespace.as_deref().is_none_or(|stated| stated == namespace)
    }

    /// Returns the Service as the user stated it.
    pub(crate) fn shown(&self) -> String {
        match &self.namespace {
            Some(namespace) => format!("{namespace}/{}", self.service),
            None => self.service.clone(),
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn choices_are_read_or_refused() {
        for text in ["", "web", "web=", "=a", "a/=b", "/web=a", "a/b/c=d", "web=a=b", "web=a/b"] {
            assert!(PoolChoice::of_flag(text).is_err(), "{text}");
        }
        let choice = PoolChoice::of_flag("shop/web=users").unwrap();
        assert_eq!(choice.shown(), "shop/web");
        assert!(choice.is_for("shop", "web") && !choice.is_for("blog", "web") && choice.pool == "users");
        assert!(PoolChoice::of_flag("web=users").unwrap().is_for("blog", "web"));
    }
}
