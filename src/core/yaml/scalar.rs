//! What a YAML scalar is for kubectl: the rules of go-yaml v2 (`resolve.go`), which `sigs.k8s.io/yaml` uses.

use base64::Engine as _;
use base64::engine::general_purpose::STANDARD;
use serde_json::{Number, Value};

/// The prefix of the tags that `!!` abbreviates.
pub(super) const TAGS: &str = "tag:yaml.org,2002:";

/// Returns the value of a plain scalar without a tag. The error is a lower-case clause.
pub(super) fn plain(text: &str) -> Result<Value, String> {
    Ok(resolve(text)?.unwrap_or_else(|| text.into()))
}

/// Returns the value of a scalar with a tag, whatever its quotes. The error is a lower-case clause.
pub(super) fn tagged(tag: &str, text: &str) -> Result<Value, String> {
    let short = tag.strip_prefix(TAGS).unwrap_or("");
    let value = match short {
        "bool" | "int" | "float" | "null" => resolve(text)?,
        "timestamp" if is_date(text) => return Ok(text.into()),
        "timestamp" => None,
        "binary" => return binary(text),
        // Kubernetes knows no other tags, and kubectl ignores them.
        _ => return Ok(text.into()),
    };
    match (short, value) {
        ("bool", Some(value @ Value::Bool(_))) | ("null", Some(value @ Value::Null)) => Ok(value),
        ("int", Some(Value::Number(number))) if !number.is_f64() => Ok(number.into()),
        ("float", Some(Value::Number(number))) => Ok(number.into()),
        _ => Err(format!("the value is not of the type that its tag `!!{short}` names")),
    }
}

/// Returns a value as kubectl writes it in JSON: a float without a fraction is a whole number (`30.0` becomes `30`). A key that is a
/// float has other rules.
#[expect(clippy::cast_possible_truncation, reason = "the float is a whole number below 2^53")]
pub(super) fn in_json(value: Value) -> Value {
    /// Above 2^53, a float does not have each whole number.
    const MOST: f64 = 9_007_199_254_740_992.0;
    match value.as_f64() {
        // Go writes a negative zero with its sign.
        Some(float)
            if value.is_f64()
                && float.fract() == 0.0
                && float.abs() < MOST
                && !(float == 0.0 && float.is_sign_negative()) =>
        {
            (float as i64).into()
        }
        _ => value,
    }
}

/// Returns the key that a value becomes in JSON (`convertToJSONableObject` of `sigs.k8s.io/yaml`), or `None` if kubectl refuses it.
pub(super) fn key(value: &Value) -> Option<String> {
    match value {
        Value::String(text) => Some(text.clone()),
        Value::Bool(flag) => Some(flag.to_string()),
        Value::Number(number) => number.as_i64().map(|whole| whole.to_string()).or_else(|| shortest(number)),
        Value::Null | Value::Array(_) | Value::Object(_) => None,
    }
}

/// Returns the text of a number as Go formats a float with `'g', -1, 32`.
#[expect(clippy::cast_possible_truncation, reason = "Go rounds the keys to 32 bits, too")]
fn shortest(number: &Number) -> Option<String> {
    let rounded = number.as_f64()? as f32;
    if rounded.is_infinite() {
        return Some(if rounded > 0.0 { ".inf" } else { "-.inf" }.to_owned());
    }
    let text = format!("{rounded:e}");
    let (digits, exponent) = text.split_once('e')?;
    let exponent: i32 = exponent.parse().ok()?;
    if (-4..6).contains(&exponent) {
        return Some(rounded.to_string());
    }
    let sign = if exponent < 0 { '-' } else { '+' };
    Some(format!("{digits}e{sign}{:02}", exponent.abs()))
}

/// Returns the value of a scalar that is not a string.
fn resolve(text: &str) -> Result<Option<Value>, String> {
    let Some(first) = text.bytes().next() else { return Ok(Some(Value::Null)) };
    match first {
        b'y' | b'Y' | b'n' | b'N' | b't' | b'T' | b'f' | b'F' | b'o' | b'O' | b'~' => Ok(word(text)),
        b'.' if is_not_finite(text) => Err(not_finite(text)),
        b'.' => Ok(go_float(text)),
        b'+' | b'-' if is_not_finite(&text[1..]) && !text[1..].eq_ignore_ascii_case(".nan") => {
            Err(not_finite(text))
        }
        b'+' | b'-' | b'0'..=b'9' => number(&text.replace('_', "")),
        _ => Ok(None),
    }
}

fn word(text: &str) -> Option<Value> {
    match text {
        "y" | "Y" | "yes" | "Yes" | "YES" | "true" | "True" | "TRUE" | "on" | "On" | "ON" => {
            Some(true.into())
        }
        "n" | "N" | "no" | "No" | "NO" | "false" | "False" | "FALSE" | "off" | "Off" | "OFF" => {
            Some(false.into())
        }
        "~" | "null" | "Null" | "NULL" => Some(Value::Null),
        _ => None,
    }
}

fn is_not_finite(text: &str) -> bool {
    matches!(text, ".inf" | ".Inf" | ".INF" | ".nan" | ".NaN" | ".NAN")
}

fn not_finite(text: &str) -> String {
    format!("`{text}` is not a finite number, and JSON has no other numbers")
}

/// Parses a number without underscores.
fn number(text: &str) -> Result<Option<Value>, String> {
    if let Some(value) = integer(text)? {
        return Ok(Some(value));
    }
    if is_decimal(text)
        && let Some(float) = text.parse().ok().and_then(Number::from_f64)
    {
        return Ok(Some(float.into()));
    }
    // The digits may have a sign of their own: go-yaml parses what follows the prefix.
    let (sign, digits) = match (text.strip_prefix("0b"), text.strip_prefix("-0b")) {
        (Some(digits), _) => ("", digits),
        (_, Some(digits)) => ("-", digits),
        _ => return Ok(None),
    };
    let signed = format!("{sign}{digits}");
    Ok(i64::from_str_radix(&signed, 2).ok().filter(|_| !signed.starts_with("--")).map(Value::from))
}

/// Parses an integer as Go's `ParseInt` with base 0, or refuses one that Kubernetes would round.
fn integer(text: &str) -> Result<Option<Value>, String> {
    let digits = text.strip_prefix(['+', '-']).unwrap_or(text);
    let is_negative = text.starts_with('-');
    let (base, digits) = match digits.as_bytes() {
        [b'0', b'x' | b'X', ..] => (16, &digits[2..]),
        [b'0', b'b' | b'B', ..] => (2, &digits[2..]),
        [b'0', b'o' | b'O', ..] => (8, &digits[2..]),
        [b'0', _, ..] => (8, &digits[1..]),
        _ => (10, digits),
    };
    if digits.starts_with(['+', '-']) {
        return Ok(None);
    }
    let Ok(size) = u64::from_str_radix(digits, base) else { return Ok(None) };
    let signed = if is_negative { 0_i64.checked_sub_unsigned(size) } else { i64::try_from(size).ok() };
    match signed {
        Some(whole) => Ok(Some(whole.into())),
        None if is_negative || text.starts_with('+') => Ok(None),
        None => Err(too_large(size)),
    }
}

/// Returns the error for an integer that no signed 64-bit integer can hold.
pub(super) fn too_large(number: u64) -> String {
    format!("the number {number} is too large: Kubernetes would round it")
}

/// Returns whether it matches `^[-+]?(\.[0-9]+|[0-9]+(\.[0-9]*)?)([eE][-+]?[0-9]+)?$`.
fn is_decimal(text: &str) -> bool {
    let text = text.strip_prefix(['+', '-']).unwrap_or(text);
    let (digits, exponent) = text.split_once(['e', 'E']).map_or((text, None), |(a, b)| (a, Some(b)));
    let are_digits = |text: &str| text.bytes().all(|byte| byte.is_ascii_digit());
    let (whole, fraction) = digits.split_once('.').unwrap_or((digits, ""));
    let is_number = match (whole, fraction) {
        ("", "") => false,
        _ => are_digits(whole) && are_digits(fraction),
    };
    is_number
        && exponent.is_none_or(|exponent| {
            let exponent = exponent.strip_prefix(['+', '-']).unwrap_or(exponent);
            !exponent.is_empty() && are_digits(exponent)
        })
}

/// Parses a number that begins with a dot as Go's `ParseFloat`, whose digits an underscore may separate only after a prefix.
fn go_float(text: &str) -> Option<Value> {
    let number = text.replace('_', "");
    let separates = |index: usize| {
        let digit =
            |at: Option<usize>| at.and_then(|at| text.as_bytes().get(at)).is_some_and(u8::is_ascii_digit);
        digit(index.checked_sub(1)) && digit(index.checked_add(1))
    };
    let is_valid = is_decimal(&number) && text.match_indices('_').all(|(index, _)| separates(index));
    let float: f64 = is_valid.then(|| number.parse().ok())??;
    Number::from_f64(float).map(Value::Number)
}

/// Returns whether it begins as a timestamp, with a year. kubectl keeps timestamps as strings.
fn is_date(text: &str) -> bool {
    let digits = text.bytes().take_while(u8::is_ascii_digit).count();
    digits == 4 && text.as_bytes().get(4) == Some(&b'-')
}

fn binary(text: &str) -> Result<Value, String> {
    let text = text.replace(['\n', '\r'], "");
    let bytes = STANDARD.decode(text).map_err(|_| "the `!!binary` value is not base64".to_owned())?;
    String::from_utf8(bytes)
        .map(Value::String)
        .map_err(|_| "the bytes of the `!!binary` value are not text, and JSON has no bytes".to_owned())
}

#[cfg(test)]
mod tests {
    use serde_json::json;

    use super::*;

    #[test]
    fn plain_scalars_are_those_of_go_yaml() {
        for (text, expected) in [
            ("", json!(null)),
            ("~", json!(null)),
            ("yEs", json!("yEs")),
            ("yes", json!(true)),
            ("Off", json!(false)),
            ("0644", json!(420)),
            ("08", json!(8.0)),
            ("1__0", json!(10)),
            ("1e5_0", json!(1e50)),
            ("0b-1", json!(-1)),
            ("-0b--1", json!("-0b--1")),
            ("0x-1", json!("0x-1")),
            (".5_0", json!(0.5)),
            (".5_", json!(".5_")),
            ("1e400", json!("1e400")),
            ("-9223372036854775808", json!(i64::MIN)),
            ("+18446744073709551615", json!(18_446_744_073_709_551_615.0)),
            ("12:30:45", json!("12:30:45")),
            ("2001-01-01", json!("2001-01-01")),
            ("+.nan", json!("+.nan")),
            ("+é", json!("+é")),
        ] {
            assert_eq!(plain(text), Ok(expected), "{text}");
        }
        for text in [".nan", "-.INF", "9223372036854775808", "0xFFFFFFFFFFFFFFFF"] {
            assert!(plain(text).is_err(), "{text}");
        }
    }

    #[test]
    fn tags_decide_the_type_or_are_refused() {
        let tagged = |short: &str, text: &str| tagged(&format!("{TAGS}{short}"), text);
        assert_eq!(tagged("int", "0x10"), Ok(json!(16)));
        assert_eq!(tagged("float", "1"), Ok(json!(1)));
        assert_eq!(tagged("bool", "y"), Ok(json!(true)));
        assert_eq!(tagged("str", "0777"), Ok(json!("0777")));
        assert_eq!(tagged("binary", "aG\nk="), Ok(json!("hi")));
        assert_eq!(tagged("timestamp", "2001-01-01"), Ok(json!("2001-01-01")));
        for (short, text) in
            [("int", "a"), ("int", "1.5"), ("null", "a"), ("bool", "1"), ("binary", "gIA="), ("binary", "?")]
        {
            assert!(tagged(short, text).is_err(), "{short} {text}");
        }
    }

    #[test]
    fn floats_without_a_fraction_are_whole_numbers_in_json() {
        for (text, expected) in [
            ("30.0", "30"),
            ("-1.", "-1"),
            ("1e3", "1000"),
            ("9007199254740991.0", "9007199254740991"),
            ("1.5", "1.5"),
            ("-0.0", "-0.0"),
            ("1e16", "1e+16"),
            ("7", "7"),
            ("true", "true"),
        ] {
            assert_eq!(in_json(plain(text).unwrap()).to_string(), expected, "{text}");
        }
    }

    #[test]
    fn keys_are_converted_as_kubectl_converts_them() {
        for (text, expected) in [
            ("on", "true"),
            ("0x10", "16"),
            ("1.50", "1.5"),
            ("1e3", "1000"),
            ("1e6", "1e+06"),
            ("123456789.5", "1.2345679e+08"),
            ("0.00001", "1e-05"),
            ("0.0001", "0.0001"),
            ("-0.0", "-0"),
            ("1e39", "+Inf"),
        ] {
            let expected = if expected == "+Inf" { ".inf" } else { expected };
            assert_eq!(key(&plain(text).unwrap()).as_deref(), Some(expected), "{text}");
        }
        assert_eq!(key(&json!(null)), None);
    }
}
