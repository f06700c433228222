//! Reads files that only this program writes, and answers of other programs, into a type.

use serde::de::DeserializeOwned;
use serde_saphyr::Error;
use serde_saphyr::budget::BudgetBreach;

use crate::core::bounds;
use crate::core::report::diagnostic::{Diagnostic, Location};
use crate::core::yaml::budget::{Limits, too_deep, too_many_values};

/// Reads a text into a type, for files that only this program writes.
pub fn read_typed<T: DeserializeOwned>(file: &str, text: &str) -> Result<T, Diagnostic> {
    let limits = Limits::of(text);
    serde_saphyr::from_str_with_options(text, options(text, limits))
        .map_err(|error| syntax_error(file, &error, limits))
}

/// Returns the parser options. Errors have no snippets, because a plugin's answer
/// holds a token, and errors end up in logs.
///
/// The size of a text limits its values, but not its depth. The other limits are for aliases.
fn options(text: &str, limits: Limits) -> serde_saphyr::Options {
    let Limits { values, anchored_values, alias_bytes } = limits;
    let events = values.saturating_mul(2).saturating_add(text.len());
    let bytes = text.len().saturating_add(alias_bytes);
    serde_saphyr::options! {
        legacy_octal_numbers: true,
        with_snippet: false,
        budget: serde_saphyr::budget! {
            max_reader_input_bytes: None,
            // One more than the depth, so that the limit of the depth is reached first.
            flow_nesting_limit: bounds::MAX_DEPTH + 1,
            max_depth: bounds::MAX_DEPTH,
            max_events: events,
            max_nodes: values,
            max_documents: values,
            max_aliases: values,
            max_anchors: values,
            max_merge_keys: values,
            max_recorded_anchor_events: anchored_values,
            max_recorded_anchor_bytes: bytes,
            max_total_scalar_bytes: bytes,
            enforce_alias_anchor_ratio: false,
        },
        alias_limits: serde_saphyr::alias_limits! {
            max_total_replayed_events: events,
        },
    }
}

fn syntax_error(file: &str, error: &Error, limits: Limits) -> Diagnostic {
    let mut error = error.without_snippet();
    let line = error.location().map_or(0, |location| u32::try_from(location.line()).unwrap_or(0));
    let location = Location { file: file.to_owned(), line };
    let text = error.to_string();
    while let Error::AliasError { error: inner, .. } = error {
        error = inner;
    }
    match error {
        Error::Budget { breach, .. } => return too_much(breach, limits).at(location),
        Error::AliasReplayLimitExceeded { .. } => return too_many_values(limits.values).at(location),
        Error::AliasReplayStackDepthExceeded { .. } => return too_deep().at(location),
        _ => {}
    }
    // The location is already at the beginning of the message.
    let sentence = text.rfind(" at line ").map_or(text.as_str(), |end| &text[..end]);
    // The scanner is ahead of the parser that counts levels.
    if sentence == "recursion limit exceeded" {
        return too_deep().at(location);
    }
    let sentence = match sentence.strip_prefix("duplicate mapping key: ") {
        Some(rest) => {
            let key = rest.split(", set DuplicateKeyPolicy").next().unwrap_or(rest);
            format!("duplicate key `{key}`")
        }
        None => format!("invalid YAML: {sentence}"),
    };
    Diagnostic::error(sentence).at(location)
}

/// Describes the limit that a text exceeds.
fn too_much(breach: &BudgetBreach, limits: Limits) -> Diagnostic {
    match breach {
        BudgetBreach::Depth { .. } => too_deep(),
        BudgetBreach::ScalarBytes { total_scalar_bytes: bytes }
        | BudgetBreach::RecordedAnchorBytes { recorded_anchor_bytes: bytes } => Diagnostic::error(format!(
            "with its aliases the text has {bytes} bytes, the limit is {} bytes more than the file",
            limits.alias_bytes
        ))
        .hint("use fewer aliases (`*name`), or aliases of shorter values"),
        BudgetBreach::RecordedAnchorEvents { recorded_anchor_events: events } => Diagnostic::error(format!(
            "the anchors keep {events} values, the limit is {}",
            limits.anchored_values
        ))
        .hint("put anchors (`&name`) on small values only, and not one inside the other"),
        _ => too_many_values(limits.values),
    }
}
