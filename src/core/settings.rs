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
    why_none: String,
}

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
                why_none: match setting.of {
                    SettingOf::All => {
                        format!("`spec.settings.{}` is not set, which is {}", setting.name, setting.title)
                    }
                    SettingOf::Pool => format!(
                        "`spec.settings.{}` says nothing of this pool, which is {}",
                        setting.name, setting.title
                    ),
                },
            });
        }
        if problems.is_empty() { Ok(Self(sets)) } else { Err(problems) }
    }

    /// The placeholders, for a pool or for an object that is of none.
    pub fn values<'a>(&'a self, mut values: Values<'a>, pool: Option<&Pool>) -> Values<'a> {
        for set in &self.0 {
            let own = pool.and_then(|pool| set.by_pool.get(&pool.value));
            values = values.with_value(&set.placeholder, own.or(set.shared.as_ref()), &set.why_none);
        }
        values
    }

    /// Pools that a setting names and there are not.
    pub fn unknown_pools(&self, pools: &[Pool]) -> Vec<Diagnostic> {
        let known = |name: &str| pools.iter().any(|pool| pool.value == name);
        let mut warnings = Vec::new();
        for set in &self.0 {
            for name in set.by_pool.keys().filter(|name| !known(name)) {
                let near = did_you_mean(name, pools.iter().map(|pool| pool.value.as_str()));
                let field = set.placeholder.replacen("setting.", "spec.settings.", 1);
                warnings.push(Diagnostic::warning(format!(
                    "`{field}` names the pool `{name}`, which there is not{near}"
                )));
            }
        }
        warnings
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
