//! `spec.settings`: the values for the settings of the platform and the overlays, checked and ready for placeholders.

use std::collections::{BTreeMap, HashSet};

use serde_json::Value;

use crate::core::overlay::Overlay;
use crate::core::patch::placeholder::Values;
use crate::core::pattern;
use crate::core::platform::{Platform, Setting, SettingForm, SettingOf};
use crate::core::pools::Pool;
use crate::core::report::describe::kind_of;
use crate::core::report::diagnostic::{Checked, Diagnostic};
use crate::core::report::pool_words;
use crate::core::report::suggest::{Suggestions, nearest};
use crate::core::spec::{LargeScale, OtherPools};
use crate::core::yaml::Document;
use crate::core::{overlay, pointer};

/// The values in the spec, for each placeholder of the settings of the platform and the overlays.
#[derive(Clone, Debug, Default)]
pub struct Settings(Vec<Set>);

#[derive(Clone, Debug)]
struct Set {
    owner: SettingOwner,
    /// The name of the placeholder: `setting.NAME`.
    placeholder: String,
    shared: Option<Value>,
    by_pool: BTreeMap<String, Value>,
    name: String,
    title: String,
    of: SettingOf,
    optional: bool,
}

/// The owner of a setting. Settings of an overlay apply only to its own patches.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum SettingOwner {
    /// The platform.
    Platform,
    /// The overlay with this index.
    Overlay(usize),
}

/// The reason why a placeholder has no value. Settings that are certainly required are checked earlier.
const NOT_SET: &str = "`spec.settings` does not set it";

impl Settings {
    /// Reads and checks the settings; returns every problem.
    pub fn read(
        spec: &LargeScale,
        document: &Document,
        platform: &Platform,
        overlays: &[Overlay],
    ) -> Checked<Self> {
        let given = &spec.spec.settings;
        let owned: Vec<(SettingOwner, &Setting)> = owned(platform, overlays).collect();
        let mut problems = Vec::new();
        for name in given.keys().filter(|name| owned.iter().all(|(_, setting)| setting.name != **name)) {
            problems.push(unknown(name, document, platform, overlays, &owned));
        }
        let mut sets = Vec::new();
        for (owner, setting) in owned {
            let at = pointer::join("/spec/settings", &setting.name);
            let value = given.get(&setting.name);
            let mut read = |value: &Value, at: &str| {
                check(setting, value, at, document, &mut problems);
                as_text(setting, value)
            };
            let mut by_pool = BTreeMap::new();
            let mut shared = setting.default.as_ref().map(|value| as_text(setting, value));
            match (setting.of, value) {
                (SettingOf::Pool | SettingOf::Either, Some(Value::Object(map))) => {
                    for (pool, value) in map {
                        by_pool.insert(pool.clone(), read(value, &pointer::join(&at, pool)));
                    }
                }
                (SettingOf::All | SettingOf::Either, Some(value)) => shared = Some(read(value, &at)),
                (SettingOf::Pool, Some(other)) => problems.push(
                    Diagnostic::error(format!(
                        "`spec.settings.{}` is {}, expected a map from each pool to {}",
                        setting.name,
                        kind_of(other),
                        setting.title
                    ))
                    .at(document.location(&at)),
                ),
                (_, None) => {}
            }
            sets.push(Set {
                owner,
                placeholder: format!("setting.{}", setting.name),
                shared,
                by_pool,
                name: setting.name.clone(),
                title: setting.title.clone(),
                of: setting.of,
                optional: setting.optional && owner != SettingOwner::Platform,
            });
        }
        problems.dedup();
        if problems.is_empty() { Ok(Self(sets)) } else { Err(problems) }
    }

    /// Adds the values for the placeholders of an owner, for a pool or for an object without one. Overlays also see the
    /// settings of the platform.
    pub fn values<'a>(
        &'a self,
        mut values: Values<'a>,
        owner: SettingOwner,
        pool: Option<&Pool>,
    ) -> Values<'a> {
        let own = self.0.iter().filter(|set| set.owner == owner && owner != SettingOwner::Platform);
        let platform = self.0.iter().filter(|set| set.owner == SettingOwner::Platform);
        for set in own.chain(platform) {
            values = values.with_value(&set.placeholder, set.value(pool), NOT_SET);
        }
        values
    }

    /// Returns whether to skip a patch with these placeholders for an object, because an optional setting has no value.
    pub fn leaves_out<'a>(
        &self,
        owner: SettingOwner,
        pool: Option<&Pool>,
        mut placeholders: impl Iterator<Item = &'a str>,
    ) -> bool {
        let optional: Vec<&Set> = self.0.iter().filter(|set| set.owner == owner && set.optional).collect();
        placeholders
            .any(|name| optional.iter().any(|set| set.placeholder == name && set.value(pool).is_none()))
    }

    /// Returns the names of the optional settings.
    pub fn optional_of(&self, owner: SettingOwner) -> Vec<&str> {
        self.0.iter().filter(|set| set.owner == owner && set.optional).map(|set| set.name.as_str()).collect()
    }

    /// Returns an error for each required setting without a value, for all pools at once. The objects of the platform are rendered
    /// for the pools in `with_objects` only.
    pub fn missing(
        &self,
        spec: &LargeScale,
        document: &Document,
        platform: &Platform,
        overlays: &[Overlay],
        pools: &[&Pool],
        with_objects: &[&Pool],
    ) -> Vec<Diagnostic> {
        let form = &platform.spec;
        let internal = form.internal.iter().filter(|_| spec.spec.internal);
        let services: String = form.binding.iter().chain(internal).map(Value::to_string).collect();
        let objects: String = form.objects.iter().map(Value::to_string).collect();
        // The pools whose values are certainly needed.
        let asking = |set: &Set| -> &[&Pool] {
            let placeholder = format!("${{{}}}", set.placeholder);
            match set.owner {
                SettingOwner::Platform if services.contains(&placeholder) => pools,
                SettingOwner::Platform if objects.contains(&placeholder) => with_objects,
                SettingOwner::Overlay(_) if !set.optional => pools,
                SettingOwner::Platform | SettingOwner::Overlay(_) => &[],
            }
        };
        let location = document.location("/spec/settings");
        let problem = |(of, example): (String, String), set: &Set| {
            let owner = match set.owner {
                SettingOwner::Platform => format!("platform {}", platform.name),
                SettingOwner::Overlay(index) => overlays[index].title.clone(),
            };
            Diagnostic::error(format!("{owner} needs {}{of}", set.title))
                .at(location.clone())
                .hint(format!("set `spec.settings: {{{}: {example}}}`", set.name))
        };
        let lacks = |set: &Set| match (set.of, asking(set)) {
            (_, []) => None,
            (SettingOf::All, _) => Some((String::new(), "...".to_owned())),
            (SettingOf::Either, _) if set.by_pool.is_empty() => Some((String::new(), "...".to_owned())),
            (SettingOf::Pool | SettingOf::Either, asking) => lacking(set, asking),
        };
        let without_value = self.0.iter().filter(|set| set.shared.is_none());
        without_value.filter_map(|set| Some(problem(lacks(set)?, set))).collect()
    }

    /// Returns an error for each unknown pool in a setting.
    pub fn unknown_pools(&self, pools: &[Pool], others: &OtherPools) -> Vec<Diagnostic> {
        let known: HashSet<&str> = pools.iter().map(|pool| pool.value.as_str()).collect();
        let mut suggestions = Suggestions::among(pools.iter().map(|pool| pool.value.as_str()));
        let mut warnings = Vec::new();
        for set in &self.0 {
            let is_unknown =
                |name: &&String| !known.contains(name.as_str()) && !others.may_have("settings", name);
            for name in set.by_pool.keys().filter(is_unknown) {
                let near = suggestions.did_you_mean(name);
                warnings.push(Diagnostic::warning(format!(
                    "`spec.settings.{}` names the {} `{name}`, which does not exist{near}",
                    set.name,
                    pool_words::word(pools.iter().map(|pool| pool.value.as_str()))
                )));
            }
        }
        warnings.dedup();
        warnings
    }
}

impl Set {
    fn value(&self, pool: Option<&Pool>) -> Option<&Value> {
        pool.and_then(|pool| self.by_pool.get(&pool.value)).or(self.shared.as_ref())
    }
}

/// Returns the settings in use: all settings of the platform, and those of overlays that their patches for it need.
fn owned<'a>(
    platform: &'a Platform,
    overlays: &'a [Overlay],
) -> impl Iterator<Item = (SettingOwner, &'a Setting)> {
    let own = platform.spec.settings.iter().map(|setting| (SettingOwner::Platform, setting));
    let theirs = overlays.iter().enumerate().flat_map(move |(index, overlay)| {
        let settings = overlay.spec.settings.iter();
        settings
            .filter(move |it| overlay.uses_placeholder(&format!("setting.{}", it.name), &platform.name))
            .map(move |setting| (SettingOwner::Overlay(index), setting))
    });
    own.chain(theirs)
}

/// Returns the error for an unknown setting: of another platform, of an overlay that is not in the spec, or misspelled.
fn unknown(
    name: &str,
    document: &Document,
    platform: &Platform,
    overlays: &[Overlay],
    owned: &[(SettingOwner, &Setting)],
) -> Diagnostic {
    let problem = |near: &str| {
        Diagnostic::error(format!("unknown setting `{name}`{near}"))
            .at(document.location(&pointer::join("/spec/settings", name)))
    };
    let declares = |overlay: &&Overlay| overlay.spec.settings.iter().any(|setting| setting.name == name);
    if let Some(overlay) = overlays.iter().find(declares) {
        let hint = format!(
            "the overlay {} has this setting only for other platforms than {}",
            overlay.name, platform.name
        );
        return problem("").hint(hint);
    }
    let builtin = overlay::builtin_names().filter_map(overlay::read_builtin).flatten();
    if let Some(overlay) = builtin.into_iter().find(|overlay| declares(&overlay)) {
        return problem("").hint(format!(
            "this setting is part of the overlay {}; add the overlay to `spec.overlays`",
            overlay.name
        ));
    }
    let near = nearest(name, owned.iter().map(|(_, setting)| setting.name.as_str()));
    let mut hints = Vec::new();
    for owner in std::iter::once(SettingOwner::Platform).chain((0..overlays.len()).map(SettingOwner::Overlay))
    {
        let own = owned.iter().filter(|(known, _)| *known == owner);
        let names: Vec<&str> = own.map(|(_, setting)| setting.name.as_str()).collect();
        let title = match owner {
            SettingOwner::Platform => format!("platform {}", platform.name),
            SettingOwner::Overlay(index) => overlays[index].title.clone(),
        };
        if near.is_some_and(|near| names.contains(&near)) {
            hints = vec![format!("settings of {title}: {}", names.join(", "))];
            break;
        }
        match names.as_slice() {
            [] if owner == SettingOwner::Platform => hints.push(format!("{title} has no settings")),
            [] => {}
            names => hints.push(format!("settings of {title}: {}", names.join(", "))),
        }
    }
    let near = near.map(|near| format!(", did you mean `{near}`?")).unwrap_or_default();
    problem(&near).hint(hints.join("; "))
}

/// Returns the pools without a value for a setting, and an example of what to write.
fn lacking(set: &Set, pools: &[&Pool]) -> Option<(String, String)> {
    let lacking: Vec<&str> = pools
        .iter()
        .map(|pool| pool.value.as_str())
        .filter(|pool| !set.by_pool.contains_key(*pool))
        .collect();
    match lacking.as_slice() {
        [] => None,
        [pool] => Some((format!(" for pool {pool}"), format!("{{{pool}: ...}}"))),
        few if few.len() <= 4 => {
            let example: Vec<String> = few.iter().map(|pool| format!("{pool}: ...")).collect();
            Some((format!(" for pools {}", few.join(", ")), format!("{{{}}}", example.join(", "))))
        }
        [pool, ..] => {
            Some((format!(" for {} pools ({pool}, ...)", lacking.len()), format!("{{{pool}: ..., ...}}")))
        }
    }
}

/// Returns a number as text for its placeholder.
fn as_text(setting: &Setting, value: &Value) -> Value {
    match (setting.form, value) {
        (SettingForm::Number, Value::Number(number)) => Value::String(number.to_string()),
        _ => value.clone(),
    }
}

fn check(setting: &Setting, value: &Value, at: &str, document: &Document, problems: &mut Vec<Diagnostic>) {
    let mut report = |text: String| problems.push(Diagnostic::error(text).at(document.location(at)));
    let field = pointer::field(at);
    let value = as_text(setting, value);
    let texts: Vec<&Value> = match (setting.form, &value) {
        (SettingForm::List, Value::Array(list)) if !list.is_empty() => list.iter().collect(),
        (SettingForm::List, other) => {
            return report(format!("`{field}` is {}, expected a list: {}", kind_of(other), setting.title));
        }
        (SettingForm::Text | SettingForm::Number, other) => vec![other],
    };
    let pattern = match (&setting.matches, setting.form) {
        (Some(pattern), _) => pattern::compile(pattern).ok(),
        (None, SettingForm::Number) => pattern::compile(r"^\d+$").ok(),
        (None, _) => None,
    };
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
