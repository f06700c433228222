//! Values that the server treats as equal.

use serde_json::Value;

/// Returns whether two values are equal and written alike. A value with a null never is, because the server may read null
/// in several ways.
pub(super) fn is_same(desired: &Value, live: &Value) -> bool {
    match (desired, live) {
        (Value::Object(desired), Value::Object(live)) => {
            desired.len() == live.len()
                && desired
                    .iter()
                    .all(|(name, value)| live.get(name).is_some_and(|other| is_same(value, other)))
        }
        (Value::Array(desired), Value::Array(live)) => {
            desired.len() == live.len()
                && desired.iter().zip(live).all(|(value, other)| is_same(value, other))
        }
        (Value::Number(desired), Value::Number(live)) => {
            // An apply goes through YAML and floats, which hold integers exactly up to this limit.
            const EXACT: u64 = 1 << 53;
            let is_exact = desired.as_i64().is_none_or(|number| number.unsigned_abs() <= EXACT);
            is_exact && desired.to_string() == live.to_string()
        }
        (Value::Null, _) => false,
        (desired, live) => desired == live,
    }
}
