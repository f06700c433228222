//! The checked response to a call.

use std::collections::BTreeMap;

use serde_json::Value;

use crate::cluster::objects::call::ApiCall;
use crate::cluster::{Problem, response};
use crate::core::live::{InvalidObject, LiveObject, Resource, preferred_versions};

/// A response of the API server, checked against what the call asks for.
#[derive(Debug)]
pub enum Answer {
    /// There is no such object or API group, or the call returns nothing.
    Nothing,
    /// The object that was read or changed.
    Object(LiveObject),
    /// The objects of a list.
    List(Vec<LiveObject>),
    /// The kinds of a group and version.
    Kinds(Vec<Resource>),
    /// The API groups, each with its preferred version.
    Groups(BTreeMap<String, String>),
    /// The permissions of the user.
    Rights(Value),
}

impl Answer {
    /// Returns the object, if there is one.
    pub fn object(self) -> Option<LiveObject> {
        if let Self::Object(object) = self { Some(object) } else { None }
    }

    /// Returns the objects of a list, or the one object.
    pub fn objects(self) -> Vec<LiveObject> {
        match self {
            Self::List(list) => list,
            Self::Object(object) => vec![object],
            _ => Vec::new(),
        }
    }

    /// Returns the kinds of a group and version; empty if the server does not serve it.
    pub fn kinds(self) -> Vec<Resource> {
        if let Self::Kinds(kinds) = self { kinds } else { Vec::new() }
    }

    /// Returns the API groups, each with its preferred version.
    pub fn groups(self) -> BTreeMap<String, String> {
        if let Self::Groups(groups) = self { groups } else { BTreeMap::new() }
    }

    /// Returns a `SelfSubjectRulesReview`.
    pub fn rights(self) -> Value {
        if let Self::Rights(review) = self { review } else { Value::Null }
    }

    /// Checks the body of a response to a call that reads no list.
    pub fn read(call: &ApiCall, body: &[u8]) -> Result<Self, Problem> {
        let parse = |wanted: &str| {
            response::parse(body, wanted, |value: &Value| value["kind"].as_str().unwrap_or_default())
        };
        match call {
            ApiCall::Get(at) | ApiCall::Apply { at, .. } | ApiCall::Patch { at, .. } => {
                let namespace = at.resource.namespaced.then_some(at.namespace.as_str());
                let live = LiveObject::read(parse(&at.resource.kind)?)?;
                Ok(Self::Object(live.located(namespace, Some(&at.name))?))
            }
            ApiCall::Resources { .. } => Ok(Self::Kinds(Resource::all_of(&parse("APIResourceList")?)?)),
            ApiCall::Groups => Ok(Self::Groups(preferred_versions(&parse("APIGroupList")?)?)),
            ApiCall::OwnRights { .. } => Ok(Self::Rights(parse("SelfSubjectRulesReview")?)),
            // A delete returns the object if finalizers keep it, otherwise a Status.
            ApiCall::Delete { .. } | ApiCall::List { .. } => Ok(Self::Nothing),
        }
    }

    /// Checks the items of a list, which were read one by one.
    pub(super) fn of_items(items: Vec<Result<LiveObject, InvalidObject>>) -> Result<Self, Problem> {
        let check = |(index, item): (usize, Result<LiveObject, InvalidObject>)| {
            item.map_err(|problem| problem.in_list("items", index).into())
        };
        items.into_iter().enumerate().map(check).collect::<Result<_, Problem>>().map(Self::List)
    }
}

impl From<InvalidObject> for Problem {
    fn from(problem: InvalidObject) -> Self {
        Self::Invalid(problem.to_string())
    }
}
