//! Requests and limits of containers: `validateResourceRequirements`.

use serde_json::Value;

use crate::core::kubernetes::formats::is_quantity;
use crate::core::kubernetes::name_rules::is_label_key;
use crate::core::report::suggest::did_you_mean;
use crate::core::schema::field::{Field, Report, shown};

/// Resources of containers without a prefix.
const STANDARD: &[&str] = &["cpu", "memory", "ephemeral-storage"];

/// The suffixes of quantities, with the power of ten or of two.
const DECIMAL: &[(&str, i32)] =
    &[("n", -9), ("u", -6), ("m", -3), ("k", 3), ("M", 6), ("G", 9), ("T", 12), ("P", 15), ("E", 18)];
const BINARY: &[(&str, u32)] = &[("Ki", 10), ("Mi", 20), ("Gi", 30), ("Ti", 40), ("Pi", 50), ("Ei", 60)];

pub(super) fn requirements(resources: &Field<'_>, report: &mut Report<'_>) {
    let (limits, requests) = (resources.get("limits"), resources.get("requests"));
    for map in [&limits, &requests] {
        for (name, quantity) in map.entries() {
            let is_standard = STANDARD.contains(&name) || name.starts_with("hugepages-");
            if !is_label_key(name) || !name.contains('/') && !is_standard {
                let near = did_you_mean(name, STANDARD.iter().copied());
                let name = shown(name);
                report.add(
                    &quantity,
                    |_| format!("`{name}` is not a resource of containers{near}"),
                    Some(
                        "write cpu, memory, ephemeral-storage, or a name with the prefix of a device plugin"
                            .to_owned(),
                    ),
                );
            } else if nanos(quantity.value).is_some_and(|nanos| nanos < 0) {
                report.invalid(&quantity, "0 or more");
            }
        }
    }
    for (name, request) in requests.entries() {
        let limit = limits.get(name);
        if name.contains('/') && !limit.is_set() && request.is_set() {
            report.missing(
                &limit,
                Some("a resource of a device plugin needs a limit that is equal to its request".to_owned()),
            );
        }
        let (Some(wanted), Some(most)) = (nanos(request.value), nanos(limit.value)) else { continue };
        // A resource with a prefix, such as a GPU, cannot be overcommitted.
        if wanted > most || name.contains('/') && wanted != most {
            let limit = report.is(&limit);
            let than = if wanted > most { "at most the limit" } else { "the limit" };
            report.invalid(&request, &format!("{than} ({limit})"));
        }
    }
}

/// Returns a quantity in billionths; `None` if it is not one, or too large or too precise to compare.
fn nanos(value: &Value) -> Option<i128> {
    let text = match value {
        Value::String(text) => text.clone(),
        Value::Number(number) => number.to_string(),
        _ => return None,
    };
    if !is_quantity(&text) {
        return None;
    }
    let is_negative = text.starts_with('-');
    let unsigned = text.trim_start_matches(['+', '-']);
    let end = unsigned.find(|c: char| !c.is_ascii_digit() && c != '.').unwrap_or(unsigned.len());
    let (number, suffix) = unsigned.split_at(end);
    let (whole, fraction) = number.split_once('.').unwrap_or((number, ""));
    let digits: i128 = format!("0{whole}{fraction}").parse().ok()?;
    let binary = BINARY.iter().find(|(name, _)| *name == suffix).map(|(_, power)| *power);
    let decimal = DECIMAL.iter().find(|(name, _)| *name == suffix).map(|(_, power)| *power);
    let power = match decimal {
        Some(power) => power,
        None if suffix.is_empty() || binary.is_some() => 0,
        None => suffix.strip_prefix(['e', 'E'])?.parse().ok()?,
    };
    let scaled = digits.checked_mul(1_i128.checked_shl(binary.unwrap_or(0))?)?;
    let exponent = 9_i32.checked_add(power)?.checked_sub(i32::try_from(fraction.len()).ok()?)?;
    let value = if exponent >= 0 {
        scaled.checked_mul(10_i128.checked_pow(exponent.unsigned_abs())?)?
    } else {
        scaled / 10_i128.checked_pow(exponent.unsigned_abs())?
    };
    Some(if is_negative { -value } else { value })
}

#[cfg(test)]
mod tests {
    use serde_json::json;

    use super::*;

    #[test]
    fn quantities_are_compared() {
        for (value, expected) in [
            (json!("1"), Some(1_000_000_000)),
            (json!(2), Some(2_000_000_000)),
            (json!("500m"), Some(500_000_000)),
            (json!("1.5Ki"), Some(1_536_000_000_000)),
            (json!("-1n"), Some(-1)),
            (json!("1e3"), Some(1_000_000_000_000)),
            (json!("0.0000000001"), Some(0)),
            (json!("1Gi"), Some((1 << 30) * 1_000_000_000)),
            (json!("1e999"), None),
            (json!("x"), None),
            (json!(null), None),
        ] {
            assert_eq!(nanos(&value), expected, "{value}");
        }
    }
}
