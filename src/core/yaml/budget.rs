//! What a text may become: its values, levels and aliases, with the error for each limit.

use crate::core::bounds;
use crate::core::report::diagnostic::Diagnostic;

/// The limits on what a text becomes when its aliases are replaced.
#[derive(Clone, Copy, Debug)]
pub(super) struct Limits {
    pub(super) values: usize,
    pub(super) anchored_values: usize,
    pub(super) alias_bytes: usize,
}

impl Limits {
    pub(super) fn of(text: &str) -> Self {
        Self {
            values: bounds::max_values(text.len()),
            anchored_values: bounds::MAX_ANCHORED_EVENTS,
            alias_bytes: bounds::MAX_ALIAS_BYTES,
        }
    }
}

/// What is left of the limits while a text is read.
#[derive(Clone, Debug)]
pub(super) struct Budget {
    limits: Limits,
    values: usize,
    anchored_values: usize,
    bytes: usize,
    allowed_bytes: usize,
}

impl Budget {
    pub(super) fn new(text: &str, limits: Limits) -> Self {
        let allowed_bytes = text.len().saturating_add(limits.alias_bytes);
        Self { limits, values: 0, anchored_values: 0, bytes: 0, allowed_bytes }
    }

    /// Counts values and the bytes of their scalars.
    pub(super) fn take(&mut self, values: usize, bytes: usize) -> Result<(), Diagnostic> {
        self.values = self.values.saturating_add(values);
        self.bytes = self.bytes.saturating_add(bytes);
        if self.values > self.limits.values {
            return Err(too_many_values(self.limits.values));
        }
        if self.bytes > self.allowed_bytes {
            return Err(Diagnostic::error(format!(
                "with its aliases the text has {} bytes, the limit is {} bytes more than the file",
                self.bytes, self.limits.alias_bytes
            ))
            .hint("use fewer aliases (`*name`), or aliases of shorter values"));
        }
        Ok(())
    }

    /// Returns what was counted until now: values, and bytes of scalars.
    pub(super) fn taken(&self) -> (usize, usize) {
        (self.values, self.bytes)
    }

    /// Counts values that are kept for aliases.
    pub(super) fn keep(&mut self, values: usize) -> Result<(), Diagnostic> {
        self.anchored_values = self.anchored_values.saturating_add(values);
        if self.anchored_values <= self.limits.anchored_values {
            return Ok(());
        }
        Err(Diagnostic::error(format!(
            "the anchors keep {} values, the limit is {}",
            self.anchored_values, self.limits.anchored_values
        ))
        .hint("put anchors (`&name`) on small values only, and not one inside the other"))
    }
}

/// Returns an error if a value is at a level that is too deep.
pub(super) fn check_depth(depth: usize) -> Result<(), Diagnostic> {
    if depth <= bounds::MAX_DEPTH { Ok(()) } else { Err(too_deep()) }
}

/// Returns the error for too many levels.
pub(super) fn too_deep() -> Diagnostic {
    Diagnostic::error(format!("more than {} levels of lists and maps, which is the limit", bounds::MAX_DEPTH))
        .hint("remove levels: `kubectl` and this program read no more")
}

/// Returns the error for too many values.
pub(super) fn too_many_values(values: usize) -> Diagnostic {
    Diagnostic::error(format!(
        "more than {values} values (keys, scalars, lists and maps, with those of aliases), which is the limit for the file"
    ))
    .hint("split the file, or use fewer aliases (`*name`)")
}
