//! Durations as kubectl's flags have them: `30`, `30s`, `1m` or `1h30m`.

// A length of time and no clock; a module of this crate has the same name as the one in std.
use ::core::time::Duration;
use jiff::SignedDuration;

/// Returns the duration that a text has. A number without a unit is in seconds.
///
/// # Errors
/// A text that kubectl would not accept as a timeout either.
pub fn duration_of(text: &str) -> Result<Duration, String> {
    if let Ok(seconds) = text.parse::<u64>() {
        return Ok(Duration::from_secs(seconds));
    }
    // jiff also reads signs, spaces and the ISO 8601 form, which kubectl rejects.
    let is_plain = text.chars().all(|c| matches!(c, '0'..='9' | 'a'..='z' | '.'));
    let parsed = if is_plain { text.parse::<SignedDuration>().ok() } else { None };
    parsed
        .and_then(|parsed| Duration::try_from(parsed).ok())
        .ok_or_else(|| format!("invalid duration `{text}`; use 30, 30s, 1m or 1h30m"))
}
