//! An overlay, read and checked.

use regex_lite::Regex;
use serde_json::Value;

use crate::core::overlay::form::{OverlayFile, OverlaySpec, PatchForm};
use crate::core::overlay::pattern::Dialect;
use crate::core::overlay::target::{Meant, PatchSubject};
use crate::core::overlay::{kustomize, target};
use crate::core::patch::Patch;
use crate::core::platform::setting_patterns;
use crate::core::report::describe::kind_of;
use crate::core::report::diagnostic::{Checked, Diagnostic, Location};
use crate::core::schema::read;
use crate::core::yaml::Document;
use crate::core::{patch, yaml};

/// An overlay, read and checked.
#[derive(Clone, Debug)]
pub struct Overlay {
    /// By which it is named in errors, and in the `overrides` of others.
    pub name: String,
    /// The same, as a message begins with it.
    pub title: String,
    /// What it says.
    pub spec: OverlaySpec,
    /// Its patches, in order.
    pub patches: Vec<TargetedPatch>,
    document: Document,
}

/// A patch and the objects that it is for.
#[derive(Clone, Debug)]
pub struct TargetedPatch {
    /// What it does.
    pub patch: Patch,
    /// Where it stands.
    pub location: Location,
    /// Fewer matches are an error.
    pub at_least: usize,
    /// More matches are an error.
    pub at_most: Option<usize>,
    platforms: Vec<String>,
    meant: Meant,
}

/// A file beside an overlay, by the name that the overlay has for it: as messages name it, and its text.
pub type Beside<'a> = dyn Fn(&str) -> Checked<(String, String)> + 'a;

impl Overlay {
    /// Reads and checks an overlay file.
    pub fn read(file: &str, text: &str, beside: &Beside<'_>) -> Checked<Self> {
        let document = yaml::read_one(file, text)?;
        let read: OverlayFile = read::typed(&document)?;
        let mut problems = Vec::new();
        check_patterns(&read.spec, &document, &mut problems);
        let mut patches = Vec::with_capacity(read.spec.patches.len());
        for (index, form) in read.spec.patches.iter().enumerate() {
            let at = format!("/spec/patches/{index}");
            let (patch, dialect) = operations(form, &document, &at, text, beside, &mut problems);
            if dialect == Dialect::Kustomize && form.target.is_none() && read.spec.target.is_none() {
                problems.push(
                    Diagnostic::error("the patch has no `target`, which a JSON 6902 patch of kustomize has")
                        .at(document.location(&at))
                        .hint("add one, such as `target: {kind: Service}`"),
                );
            }
            let (target, target_at) = match (&form.target, &read.spec.target) {
                (None, Some(shared)) => (shared.clone(), "/spec/target".to_owned()),
                (own, _) => (own.clone().unwrap_or_default(), format!("{at}/target")),
            };
            patches.push(TargetedPatch {
                patch,
                location: document.location(&at),
                at_least: form.expects.at_least,
                at_most: form.expects.at_most,
                platforms: form.platforms.clone(),
                meant: target::read(&target, dialect, &document, &target_at, &mut problems),
            });
        }
        // A target that patches share is read for each of them.
        problems.dedup();
        if problems.is_empty() {
            let name = read.metadata.name;
            Ok(Self { title: format!("the overlay {name}"), name, spec: read.spec, patches, document })
        } else {
            Err(problems)
        }
    }

    /// The JSON Schema of the form.
    pub fn schema() -> Value {
        read::schema::<OverlayFile>()
    }

    /// Where something of it stands.
    pub fn location(&self, pointer: &str) -> Location {
        self.document.location(pointer)
    }

    /// The platforms that it is for, in order; none stand for all.
    pub fn platforms(&self) -> Vec<&str> {
        if !self.spec.platforms.is_empty() {
            return self.spec.platforms.iter().map(String::as_str).collect();
        }
        if self.patches.iter().any(|patch| patch.platforms.is_empty()) {
            return Vec::new();
        }
        let mut all: Vec<&str> =
            self.patches.iter().flat_map(|patch| patch.platforms.iter().map(String::as_str)).collect();
        all.sort_unstable();
        all.dedup();
        all
    }

    /// What it writes must be read by the platform, or it would be ignored in silence.
    pub fn check_platform(&self, platform: &str) -> Result<(), Diagnostic> {
        let platforms = self.platforms();
        if platforms.is_empty() || platforms.contains(&platform) {
            return Ok(());
        }
        let instead = self.spec.instead.as_ref().map(|text| format!("; {text}")).unwrap_or_default();
        let message = format!(
            "the overlay {} is for {}, and {platform} is none of them",
            self.name,
            platforms.join(", ")
        );
        Err(Diagnostic::error(message)
            .at(self.location(if self.spec.platforms.is_empty() {
                "/spec/patches"
            } else {
                "/spec/platforms"
            }))
            .hint(format!("take it out of `spec.overlays`{instead}")))
    }

    /// Its patches for a platform.
    pub fn patches_for<'a>(&'a self, platform: &'a str) -> impl Iterator<Item = &'a TargetedPatch> {
        let is_for = self.spec.platforms.is_empty() || self.spec.platforms.iter().any(|it| it == platform);
        self.patches.iter().filter(move |patch| is_for && patch.is_for(platform))
    }

    /// Whether one of its patches for a platform has this placeholder.
    pub fn asks_for(&self, placeholder: &str, platform: &str) -> bool {
        self.patches_for(platform).any(|patch| patch.patch.placeholders().any(|name| name == placeholder))
    }
}

impl TargetedPatch {
    /// Whether it is for a platform.
    pub fn is_for(&self, platform: &str) -> bool {
        self.platforms.is_empty() || self.platforms.iter().any(|known| known == platform)
    }

    /// Whether an object is meant.
    pub fn matches(&self, subject: PatchSubject<'_>) -> bool {
        self.meant.is(subject)
    }
}

/// The operations of a patch, wherever they stand, and how the patterns of its target are read.
fn operations(
    form: &PatchForm,
    document: &Document,
    at: &str,
    overlay: &str,
    beside: &Beside<'_>,
    problems: &mut Vec<Diagnostic>,
) -> (Patch, Dialect) {
    let location = |below: &str| document.location(&format!("{at}/{below}"));
    for (name, _) in form.options.iter().flatten().filter(|(_, is_set)| **is_set) {
        problems.push(
            Diagnostic::error(format!("`options.{name}` is not known here"))
                .at(location(&format!("options/{name}")))
                .hint("remove it: a JSON 6902 patch changes whatever its paths name; the names of a pool's Services are `spec.names` of largescale.yaml"),
        );
    }
    let patch = match (&form.patch, &form.path) {
        (Some(Value::Array(_)), None) => {
            return (patch::read(document, &format!("{at}/patch"), problems), Dialect::Ours);
        }
        (Some(Value::String(text)), None) => kustomize::in_text(text, &location("patch"), overlay, problems),
        (Some(other), None) => {
            problems.push(
                Diagnostic::error(format!(
                    "`patch` is {}, expected a list of JSON 6902 operations, or a text with one",
                    kind_of(other)
                ))
                .at(location("patch")),
            );
            Patch::default()
        }
        (None, Some(name)) => match beside(name) {
            Ok((file, text)) => kustomize::in_file(&file, &text, problems),
            Err(found) => {
                problems.extend(found.into_iter().map(|problem| match problem.location {
                    Some(_) => problem,
                    None => problem.at(location("path")),
                }));
                Patch::default()
            }
        },
        (given, _) => {
            let message =
                if given.is_some() { "both `patch` and `path`" } else { "neither `patch` nor `path`" };
            problems.push(
                Diagnostic::error(format!("the patch has {message}, expected one of them"))
                    .at(document.location(at)),
            );
            Patch::default()
        }
    };
    (patch, Dialect::Kustomize)
}

/// Patterns of settings and rules that are none.
fn check_patterns(spec: &OverlaySpec, document: &Document, problems: &mut Vec<Diagnostic>) {
    let mut patterns = setting_patterns(&spec.settings);
    for (index, rule) in spec.requires.iter().enumerate() {
        patterns.extend(rule.when.iter().map(|it| (format!("/spec/requires/{index}/when"), &it.matches)));
    }
    for (index, rule) in spec.refuses.iter().enumerate() {
        patterns.extend(rule.matches.iter().map(|it| (format!("/spec/refuses/{index}/matches"), it)));
        patterns.extend(rule.when.iter().map(|it| (format!("/spec/refuses/{index}/when"), &it.matches)));
    }
    for (at, pattern) in patterns {
        if let Err(error) = Regex::new(pattern) {
            problems.push(
                Diagnostic::error(format!("`{pattern}` is no regular expression: {error}"))
                    .at(document.location(&at)),
            );
        }
    }
}
