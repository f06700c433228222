//! Chooses the name of the Service in the manifest that several existing Services become.

use std::collections::BTreeSet;

use crate::core::kubernetes::names;

/// The names of one namespace.
#[derive(Debug, Default)]
pub(crate) struct Names {
    /// Names of existing Services of type LoadBalancer and of existing Gateways.
    pub(crate) existing: BTreeSet<String>,
    /// Names of other existing Services.
    pub(crate) others: BTreeSet<String>,
    /// Names of the Services in the manifest.
    bases: BTreeSet<String>,
    /// Names that copies for further pools get.
    generated: BTreeSet<String>,
}

impl Names {
    /// Chooses a name for existing Services, which become one Service in the manifest. `further` are the names of the pools that none
    /// of them belongs to. The name differs from those of other Services, and so do the names of its copies for further pools.
    pub(crate) fn choose(&mut self, own: &[&str], further: &[&str]) -> String {
        self.choose_from(common(own), own, further)
    }

    /// Chooses a name for existing Gateways. Only Services of type LoadBalancer must not have it, because these are split, too. `stem`
    /// is the name from which all their names are made.
    pub(crate) fn choose_for_gateways(
        &mut self,
        stem: Option<String>,
        own: &[&str],
        further: &[&str],
    ) -> String {
        let services = std::mem::take(&mut self.others);
        let candidates = stem.into_iter().chain(common(own)).collect();
        let chosen = self.choose_from(candidates, own, further);
        self.others = services;
        chosen
    }

    fn choose_from(&mut self, mut candidates: Vec<String>, own: &[&str], further: &[&str]) -> String {
        candidates.extend(own.iter().map(|name| (*name).to_owned()));
        let first = candidates.first().cloned().unwrap_or_default();
        let is_free = |candidate: &String| self.is_free(candidate, own, further);
        let numbered = (2..).map(|number| names::copy_name(&first, &number.to_string()));
        // One of the numbers is free, because the names are finite.
        let chosen = candidates.into_iter().chain(numbered).find(is_free).unwrap_or(first);
        self.bases.insert(chosen.clone());
        self.generated.extend(further.iter().map(|pool| names::copy_name(&chosen, pool)));
        chosen
    }

    /// Keeps the name of a Service that is not in use, and from which the Services of all pools are copied.
    pub(crate) fn keep(&mut self, name: &str, pools: &[&str]) {
        self.bases.insert(name.to_owned());
        self.generated.extend(pools.iter().map(|pool| names::copy_name(name, pool)));
    }

    fn is_free(&self, candidate: &String, own: &[&str], further: &[&str]) -> bool {
        let is_taken = |name: &String| self.existing.contains(name) || self.others.contains(name);
        let is_own = own.contains(&candidate.as_str());
        let copies = || further.iter().map(|pool| names::copy_name(candidate, pool));
        !self.bases.contains(candidate)
            && (is_own || !is_taken(candidate))
            && copies().all(|copy| !is_taken(&copy) && !self.generated.contains(&copy))
    }
}

/// Returns the beginning that the names have in common, and the end, in whole words.
pub(crate) fn common(names: &[&str]) -> Vec<String> {
    let [_, _, ..] = names else { return Vec::new() };
    let words: Vec<Vec<&str>> = names.iter().map(|name| name.split('-').collect()).collect();
    let shared = |word: &dyn Fn(&[&str], usize) -> Option<String>| {
        let shortest = words.iter().map(Vec::len).min().unwrap_or_default();
        let is_same = |index: &usize| words.iter().all(|of| word(of, *index) == word(&words[0], *index));
        (0..shortest).take_while(is_same).count()
    };
    let from_start = shared(&|of, index| of.get(index).map(|word| (*word).to_owned()));
    let mut start = words[0][..from_start].join("-");
    // `service1` and `service2` are `service`.
    let without_number = |of: &Vec<&str>| {
        let word = of.get(from_start)?;
        let stem = word.trim_end_matches(|c: char| c.is_ascii_digit());
        (of.len() == from_start + 1 && !stem.is_empty()).then(|| stem.to_owned())
    };
    if let Some(stem) = without_number(&words[0])
        && words.iter().all(|of| without_number(of).as_ref() == Some(&stem))
    {
        start = if start.is_empty() { stem } else { format!("{start}-{stem}") };
    }
    let from_end = shared(&|of, index| of.iter().rev().nth(index).map(|word| (*word).to_owned()));
    let end = words[0][words[0].len() - from_end..].join("-");
    let is_name = |name: &String| names::check_service_name("the name", name).is_ok();
    [start, end].into_iter().filter(is_name).collect()
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn names_read_well_and_do_not_collide() {
        let chosen = |groups: &[&[&str]], existing: &[&str], further: &[&str]| {
            let existing = groups.iter().copied().flatten().chain(existing).map(|name| (*name).to_owned());
            let mut names = Names { existing: existing.collect(), ..Names::default() };
            let all: Vec<String> = groups.iter().map(|group| names.choose(group, further)).collect();
            all.join(" ")
        };
        let one = |group: &[&str]| chosen(&[group], &[], &[]);
        for (group, expected) in [
            (&["web"][..], "web"),
            (&["web-1", "web-2"], "web"),
            (&["nginx-service1", "nginx-service2"], "nginx-service"),
            (&["web-private", "web-public"], "web"),
            (&["web-a-1", "web-a-2"], "web-a"),
            (&["users-web", "gpu-web"], "web"),
            (&["webshop", "webserver"], "webshop"),
            (&["public1", "private1"], "public1"),
            (&["1", "2"], "1"),
            (&["web1", "web-2"], "web1"),
        ] {
            assert_eq!(one(group), expected, "{group:?}");
        }
        assert_eq!(chosen(&[&["web-1", "web-2"], &["web-a", "web-b"]], &[], &[]), "web web-a");
        assert_eq!(chosen(&[&["web-1", "web-2"], &["web"]], &[], &[]), "web-1 web");
        assert_eq!(chosen(&[&["web-1", "web-2"]], &["web"], &[]), "web-1", "another kind of Service");
        // A copy for the pool gpu would have the name of another Service.
        assert_eq!(chosen(&[&["web-1", "web-2"], &["web-gpu"]], &[], &["gpu"]), "web-1 web-gpu");
        assert_eq!(chosen(&[&["web"], &["web-gpu"]], &[], &["gpu"]), "web-2 web-gpu");
    }
}
