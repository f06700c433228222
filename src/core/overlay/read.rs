//! Reads and checks overlays.

use serde_json::Value;

use crate::core::bounds::MAX_PATCH_TEXT;
use crate::core::overlay::form::{OverlayFile, OverlaySpec, PatchForm};
use crate::core::overlay::pattern::Dialect;
use crate::core::overlay::target::{PatchSubject, TargetMatcher};
use crate::core::overlay::{kustomize, target};
use crate::core::patch::Patch;
use crate::core::pattern;
use crate::core::platform::setting_patterns;
use crate::core::report::describe::kind_of;
use crate::core::report::diagnostic::{Checked, Diagnostic, Location};
use crate::core::schema::read;
use crate::core::schema::read::Described;
use crate::core::yaml::Document;
use crate::core::{patch, yaml};

/// An overlay that was read and checked.
#[derive(Clone, Debug)]
pub struct Overlay {
    /// The name in errors, and in the `overrides` of other overlays.
    pub name: String,
    /// The name as a message begins with it: `the overlay NAME`.
    pub title: String,
    /// The content of the file.
    pub spec: OverlaySpec,
    /// The patches, in order.
    pub patches: Vec<TargetedPatch>,
    document: Document,
}

/// A patch and its target.
#[derive(Clone, Debug)]
pub struct TargetedPatch {
    /// The operations.
    pub patch: Patch,
    /// The location in the overlay.
    pub location: Location,
    /// Fewer matches are an error.
    pub at_least: usize,
    /// More matches are an error.
    pub at_most: Option<usize>,
    platforms: Vec<String>,
    target: TargetMatcher,
}

/// Reads a file that an overlay names; returns the file name for messages, and its text.
pub type ReadFile<'a> = dyn Fn(&str) -> Checked<(String, String)> + 'a;

impl Overlay {
    /// Reads and checks an overlay file.
    pub fn read(file: &str, text: &str, read_file: &ReadFile<'_>) -> Checked<Self> {
        let document = yaml::read_own_one(file, text)?;
        let read: OverlayFile = read::typed(&document)?;
        let mut problems = Vec::new();
        check_patterns(&read.spec, &document, &mut problems);
        let mut patches = Vec::with_capacity(read.spec.patches.len());
        // Each alias of a string, and each patch with the same `path`, is read once more.
        let mut text_left = MAX_PATCH_TEXT;
        for (index, form) in read.spec.patches.iter().enumerate() {
            if text_left == 0 {
                break;
            }
            let at = format!("/spec/patches/{index}");
            let (patch, dialect) =
                operations(form, &document, &at, text, read_file, &mut text_left, &mut problems);
            if dialect == Dialect::Kustomize && form.target.is_none() && read.spec.target.is_none() {
                problems.push(
                    Diagnostic::error(
                        "the patch has no `target`, which a JSON 6902 patch in kustomize requires",
                    )
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
                target: target::read(&target, dialect, &document, &target_at, &mut problems),
            });
        }
        // A target that several patches share is read, and reported, for each of them.
        problems.dedup();
        if problems.is_empty() {
            let name = read.metadata.name;
            Ok(Self { title: format!("the overlay {name}"), name, spec: read.spec, patches, document })
        } else {
            Err(problems)
        }
    }

    /// The JSON Schema of an overlay file.
    pub const SCHEMA: &str = OverlayFile::SCHEMA;

    /// Generates the JSON Schema from the types.
    pub fn generate_schema() -> Value {
        read::generate::<OverlayFile>()
    }

    /// Returns the location of the value at a JSON pointer.
    pub fn location(&self, pointer: &str) -> Location {
        self.document.location(pointer)
    }

    /// Returns the platforms that the overlay supports, sorted; an empty list means all.
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

    /// Checks that the platform supports the overlay. Otherwise the cloud would silently ignore the fields that it writes.
    pub fn check_platform(&self, platform: &str) -> Result<(), Diagnostic> {
        let platforms = self.platforms();
        if platforms.is_empty() || platforms.contains(&platform) {
            return Ok(());
        }
        let instead = self.spec.instead.as_ref().map(|text| format!("; {text}")).unwrap_or_default();
        let message = format!(
            "the overlay {} does not support platform {platform}; it supports {}",
            self.name,
            platforms.join(", ")
        );
        Err(Diagnostic::error(message)
            .at(self.location(if self.spec.platforms.is_empty() {
                "/spec/patches"
            } else {
                "/spec/platforms"
            }))
            .hint(format!("remove it from `spec.overlays`{instead}")))
    }

    /// Returns the patches for a platform.
    pub fn patches_for<'a>(&'a self, platform: &'a str) -> impl Iterator<Item = &'a TargetedPatch> {
        let is_for = self.spec.platforms.is_empty() || self.spec.platforms.iter().any(|it| it == platform);
        self.patches.iter().filter(move |patch| is_for && patch.is_for(platform))
    }

    /// Whether one of the patches for a platform uses this placeholder.
    pub fn uses_placeholder(&self, placeholder: &str, platform: &str) -> bool {
        self.patches_for(platform).any(|patch| patch.patch.placeholders().any(|name| name == placeholder))
    }
}

impl TargetedPatch {
    /// Whether the patch applies on a platform.
    pub fn is_for(&self, platform: &str) -> bool {
        self.platforms.is_empty() || self.platforms.iter().any(|known| known == platform)
    }

    /// Whether the target names kinds, so that the patch is not for all objects.
    pub fn names_kinds(&self) -> bool {
        self.target.names_kinds()
    }

    /// Whether the patch applies to an object.
    pub fn matches(&self, subject: PatchSubject<'_>) -> bool {
        self.target.matches(subject)
    }
}

/// Reads the operations of a patch, and returns the syntax of the patterns in its target.
fn operations(
    form: &PatchForm,
    document: &Document,
    at: &str,
    overlay: &str,
    read_file: &ReadFile<'_>,
    text_left: &mut usize,
    problems: &mut Vec<Diagnostic>,
) -> (Patch, Dialect) {
    let location = |below: &str| document.location(&format!("{at}/{below}"));
    for (name, _) in form.options.iter().flatten().filter(|(_, is_set)| **is_set) {
        problems.push(
            Diagnostic::error(format!("`options.{name}` is not supported"))
                .at(location(&format!("options/{name}")))
                .hint("remove it: a JSON 6902 patch may change any field; to rename the Services of the pools, use `spec.names` in largescale.yaml"),
        );
    }
    let patch = match (&form.patch, &form.path) {
        (Some(Value::Array(_)), None) => {
            return (patch::read(document, &format!("{at}/patch"), problems), Dialect::Glob);
        }
        (Some(Value::String(text)), None) => match take_text(text, text_left, &location("patch")) {
            Ok(()) => kustomize::in_string(text, &location("patch"), overlay, problems),
            Err(problem) => {
                problems.push(problem);
                Patch::default()
            }
        },
        (Some(other), None) => {
            problems.push(
                Diagnostic::error(format!(
                    "`patch` is {}, expected a list of JSON 6902 operations, or a string with such a list",
                    kind_of(other)
                ))
                .at(location("patch")),
            );
            Patch::default()
        }
        (None, Some(name)) => match read_file(name) {
            Ok((file, text)) => match take_text(&text, text_left, &location("path")) {
                Ok(()) => kustomize::in_file(&file, &text, problems),
                Err(problem) => {
                    problems.push(problem);
                    Patch::default()
                }
            },
            Err(found) => {
                problems.extend(found.into_iter().map(|problem| match problem.location {
                    Some(_) => problem,
                    None => problem.at(location("path")),
                }));
                Patch::default()
            }
        },
        (given, _) => {
            let message = if given.is_some() {
                "has both `patch` and `path`"
            } else {
                "has neither `patch` nor `path`"
            };
            problems.push(
                Diagnostic::error(format!("the patch {message}; expected one of them"))
                    .at(document.location(at)),
            );
            Patch::default()
        }
    };
    (patch, Dialect::Kustomize)
}

/// Takes the size of a patch from what the overlay may still have.
fn take_text(text: &str, left: &mut usize, location: &Location) -> Result<(), Diagnostic> {
    let Some(rest) = left.checked_sub(text.len()) else {
        *left = 0;
        return Err(Diagnostic::error(format!(
            "the patches of the overlay have more than {} MiB of text in strings and files, which is the limit",
            MAX_PATCH_TEXT >> 20
        ))
        .at(location.clone())
        .hint("write shorter patches, or write the operations as lists"));
    };
    *left = rest;
    Ok(())
}

/// Reports invalid patterns in settings and rules.
fn check_patterns(spec: &OverlaySpec, document: &Document, problems: &mut Vec<Diagnostic>) {
    let mut patterns = setting_patterns(&spec.settings);
    for (index, rule) in spec.requires.iter().enumerate() {
        patterns.extend(rule.when.iter().map(|it| (format!("/spec/requires/{index}/when"), &it.matches)));
    }
    for (index, rule) in spec.refuses.iter().enumerate() {
        patterns.extend(rule.matches.iter().map(|it| (format!("/spec/refuses/{index}/matches"), it)));
        patterns.extend(rule.keys.iter().map(|it| (format!("/spec/refuses/{index}/keys"), it)));
        patterns.extend(rule.when.iter().map(|it| (format!("/spec/refuses/{index}/when"), &it.matches)));
    }
    for (at, pattern) in patterns {
        if let Err(error) = pattern::compile(pattern) {
            problems.push(
                Diagnostic::error(format!("invalid regular expression `{pattern}`: {error}"))
                    .at(document.location(&at)),
            );
        }
    }
}
