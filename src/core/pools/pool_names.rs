//! The names of pools in object names, and pools whose values differ only in characters that those names lack.

use std::collections::{BTreeMap, BTreeSet};

use crate::core::kubernetes::names;
use crate::core::lock::Lock;
use crate::core::spec::Spec;

/// The digits of a digest that distinguish two names.
const DIGITS: usize = 8;

/// The names of all pools.
#[derive(Debug)]
pub(super) struct PoolNames<'a> {
    spec: &'a Spec,
    lock: Option<&'a Lock>,
    /// The values of the pools that would have a name.
    values: BTreeMap<String, Vec<&'a str>>,
}

impl<'a> PoolNames<'a> {
    pub(super) fn of(spec: &'a Spec, lock: Option<&'a Lock>, values: &BTreeSet<&'a str>) -> Self {
        let mut names = Self { spec, lock, values: BTreeMap::new() };
        for value in values {
            let name = names.locked(value).map_or_else(|| names::pool_name(value), str::to_owned);
            names.values.entry(name).or_default().push(value);
        }
        names
    }

    /// Returns the name of a pool: that in the lock, or its value in the form for object names. If another pool has this name, and
    /// `spec.names` decides the Services of both, the name ends in a digest of the value: it is then only in labels, and in the names
    /// of objects that have no addresses.
    pub(super) fn name(&self, value: &str) -> String {
        if let Some(locked) = self.locked(value) {
            return locked.to_owned();
        }
        let name = names::pool_name(value);
        let same = self.values.get(&name).map(Vec::as_slice).unwrap_or_default();
        let is_plain =
            name == value && !same.iter().any(|other| *other != value && self.locked(other).is_some());
        if same.len() < 2 || is_plain || !same.iter().all(|value| self.are_services_named(value)) {
            return name;
        }
        names::copy_name(&name, &names::digest(value.as_bytes())[..DIGITS])
    }

    fn locked(&self, value: &str) -> Option<&'a str> {
        Some(self.lock?.pools.get(value)?.name.as_str())
    }

    fn are_services_named(&self, value: &str) -> bool {
        !self.spec.names.is_empty() && self.spec.names.values().all(|pools| pools.contains_key(value))
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn names(values: &[&str], given: &[&str]) -> String {
        let mut spec = Spec::new("hetzner");
        let services: BTreeMap<String, String> =
            given.iter().enumerate().map(|(index, pool)| ((*pool).to_owned(), format!("s{index}"))).collect();
        if !given.is_empty() {
            spec.names.insert("web".to_owned(), services);
        }
        let all = values.iter().copied().collect();
        let names = PoolNames::of(&spec, None, &all);
        values.iter().map(|value| names.name(value)).collect::<Vec<_>>().join(" ")
    }

    #[test]
    fn pools_with_one_name_are_distinguished_if_their_services_have_names() {
        assert_eq!(names(&["web.b", "a"], &[]), "web-b a");
        assert_eq!(names(&["web.b", "web-b"], &[]), "web-b web-b");
        assert_eq!(names(&["web.b", "web-b"], &["web.b"]), "web-b web-b", "one has no name");
        assert_eq!(names(&["web.b", "web-b"], &["web.b", "web-b"]), "web-b-7e4a497c web-b");
        let two = names(&["Web.b", "web.B"], &["Web.b", "web.B"]);
        let two: BTreeSet<&str> = two.split(' ').collect();
        assert!(two.len() == 2 && two.iter().all(|name| name.starts_with("web-b-")), "{two:?}");
    }
}
