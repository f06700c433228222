//! `spec.settings`: what the platform asks the user, checked, and ready for placeholders.

use std::collections::BTreeMap;

use regex_lite::Regex;
use serde_json::Value;

use crate::core::diagnostic::{Checked, Diagnostic};
use crate::core::nearest::did_you_mean;
use crate::core::placeholder::Values;
use crate::core::platform::{Platform, Setting, SettingForm, SettingOf};
use crate::core::pointer;
use crate::core::pools::Pool;
use crate::core::shape::kind_of;
use crate::core::spec::LargeScale;
use crate::core::yaml::Document;

/// What the spec says, for each placeholder of the platform's settings.
#[derive(Clone, Debug, Default)]
pub struct Settings(Vec<Set>);

#[derive(Clone, Debug)]
struct Set {
    /// `setting.NAME`.
    placeholder: String,
    shared: Option<Value>,
    by_pool: BTreeMap<String, Value>,
    name: String,
    title: String,
    of: SettingOf,
}

/// Said where an overlay or an object asks for a setting; what the platform itself needs is checked before.
const NOT_SET: &str = "`spec.settings` does not say it";

impl Settings {
    /// Reads and checks them; every problem at once.
    pub fn read(spec: &LargeScale, document: &Document, platform: &Platform) -> Checked<Self> {
        let given = &spec.spec.settings;
        let mut problems = Vec::new();
        let known: Vec<&str> = platform.spec.settings.iter().map(|setting| setting.name.as_str()).collect();
        for name in given.keys().filter(|name| !known.contains(&name.as_str())) {
            let near = did_you_mean(name, known.iter().copied());
            let hint = if known.is_empty() {
                format!("platform {} asks for nothing", platform.name)
            } else {
                format!("platform {} asks for {}", platform.name, known.join(", "))
            };
            problems.push(
                Diagnostic::error(format!("unknown setting `{name}`{near}"))
                    .at(document.place(&pointer::join("/spec/settings", name)))
                    .hint(hint),
            );
        }
        let mut sets = Vec::new();
        for setting in &platform.spec.settings {
            let at = pointer::join("/spec/settings", &setting.name);
            let value = given.get(&setting.name);
            let mut by_pool = BTreeMap::new();
            match (setting.of, value) {
                (SettingOf::Pool, Some(Value::Object(map))) => {
                    for (pool, value) in map {
                        check(setting, value, &pointer::join(&at, pool), document, &mut problems);
                        by_pool.insert(pool.clone(), value.clone());
                    }
                }
                (SettingOf::Pool, Some(other)) => problems.push(
                    Diagnostic::error(format!(
                        "`spec.settings.{}` is {}, expected a map from each pool to {}",
                        setting.name,
                        kind_of(other),
                        setting.title
                    ))
                    .at(document.place(&at)),
                ),
                (SettingOf::All, Some(value)) => check(setting, value, &at, document, &mut problems),
                (_, None) => {}
            }
            let shared = if setting.of == SettingOf::All {
                value.or(setting.default.as_ref())
            } else {
                setting.default.as_ref()
            };
            sets.push(Set {
                placeholder: format!("setting.{}", setting.name),
                shared: shared.cloned(),
                by_pool,
                name: setting.name.clone(),
                title: setting.title.clone(),
                of: setting.of,
            });
        }
        if problems.is_empty() { Ok(Self(sets)) } else { Err(problems) }
    }

    /// The placeholders, for a pool or for an object that is of none.
    pub fn values<'a>(&'a self, mut values: Values<'a>, pool: Option<&Pool>) -> Values<'a> {
        for set in &self.0 {
            let own = pool.and_then(|pool| set.by_pool.get(&pool.value));
            values = values.with_value(&set.placeholder, own.or(set.shared.as_ref()), NOT_SET);
        }
        values
    }

    /// What the platform is going to ask for and the spec does not say, for all pools at once.
    pub fn missing(
        &self,
        spec: &LargeScale,
        document: &Document,
        platform: &Platform,
        pools: &[Pool],
    ) -> Vec<Diagnostic> {
        let form = &platform.spec;
        let internal = form.internal.iter().filter(|_| spec.spec.internal);
        let asked: String =
            form.binding.iter().chain(&form.objects).chain(internal).map(Value::to_string).collect();
        let is_asked =
            |set: &&Set| set.shared.is_none() && asked.contains(&format!("${{{}}}", set.placeholder));
        let place = document.place("/spec/settings");
        let problem = |(of, example): (String, String), set: &Set| {
            Diagnostic::error(format!("platform {} needs {}{of}", platform.name, set.title))
                .at(place.clone())
                .hint(format!("say `spec.settings: {{{}: {example}}}`", set.name))
        };
        let lacks = |set: &Set| match set.of {
            SettingOf::All => Some((String::new(), "...".to_owned())),
            SettingOf::Pool => lacking(set, pools),
        };
        self.0.iter().filter(is_asked).filter_map(|set| Some(problem(lacks(set)?, set))).collect()
    }

    /// Pools that a setting names and there are not.
    pub fn unknown_pools(&self, pools: &[Pool]) -> Vec<Diagnostic> {
        let known = |name: &str| pools.iter().any(|pool| pool.value == name);
        let mut warnings = Vec::new();
        for set in &self.0 {
            for name in set.by_pool.keys().filter(|name| !known(name)) {
                let near = did_you_mean(name, pools.iter().map(|pool| pool.value.as_str()));
                warnings.push(Diagnostic::warning(format!(
                    "`spec.settings.{}` names the pool `{name}`, which there is not{near}",
                    set.name
                )));
            }
        }
        warnings
    }
}

/// The pools for which a setting says nothing, and what to write.
fn lacking(set: &Set, pools: &[Pool]) -> Option<(String, String)> {
    let lacking: Vec<&str> = pools
        .iter()
        .map(|pool| pool.value.as_str())
        .filter(|pool| !set.by_pool.contains_key(*pool))
        .collect();
    match lacking.as_slice() {
        [] => None,
        [pool] => Some((format!(" for the pool {pool}"), format!("{{{pool}: ...}}"))),
        [pool, ..] => {
            Some((format!(" for {} pools ({pool}, ...)", lacking.len()), format!("{{{pool}: ..., ...}}")))
        }
    }
}

fn check(setting: &Setting, value: &Value, at: &str, document: &Document, problems: &mut Vec<Diagnostic>) {
    let mut report = |text: String| problems.push(Diagnostic::error(text).at(document.place(at)));
    let field = pointer::field(at);
    let texts: Vec<&Value> = match (setting.form, value) {
        (SettingForm::List, Value::Array(list)) if !list.is_empty() => list.iter().collect(),
        (SettingForm::List, other) => {
            return report(format!("`{field}` is {}, expected a list: {}", kind_of(other), setting.title));
        }
        (SettingForm::Text, other) => vec![other],
    };
    let pattern = setting.matches.as_ref().and_then(|pattern| Regex::new(pattern).ok());
    for value in texts {
        match value.as_str() {
            None => report(format!("`{field}` is {}, expected {}", kind_of(value), setting.title)),
            Some(text)
                if text.is_empty() || pattern.as_ref().is_some_and(|pattern| !pattern.is_match(text)) =>
            {
                report(format!("`{field}` is `{text}`, expected {}", setting.title));
            }
            Some(_) => {}
        }
    }
}
