//! ConfigMaps and Secrets: `ValidateConfigMap`, `ValidateSecret`.

use crate::core::kubernetes::formats::Format;
use crate::core::kubernetes::name_rules::is_config_map_key;
use crate::core::schema::field::{Field, Report, shown};

/// The largest size of all values, in bytes: `MaxSecretSize`.
const MAX_SIZE: usize = 1 << 20;

/// The type of a Secret, and the keys that it needs.
const REQUIRED_KEYS: &[(&str, &[&str])] = &[
    ("kubernetes.io/dockercfg", &[".dockercfg"]),
    ("kubernetes.io/dockerconfigjson", &[".dockerconfigjson"]),
    ("kubernetes.io/ssh-auth", &["ssh-privatekey"]),
    ("kubernetes.io/tls", &["tls.crt", "tls.key"]),
];

/// The annotation that a Secret with the token of a `ServiceAccount` needs.
const SERVICE_ACCOUNT: &str = "kubernetes.io/service-account.name";

pub(super) fn config_map(object: &Field<'_>, report: &mut Report<'_>) {
    let (data, binary) = (object.get("data"), object.get("binaryData"));
    keys(&data, report);
    keys(&binary, report);
    for (key, value) in data.entries() {
        let other = binary.get(key);
        if other.is_set() {
            report.add(&value, |field| format!("{field} has the key of a value in `binaryData`"), None);
        }
    }
    let size = text_size(&data) + decoded_size(&binary);
    if size > MAX_SIZE {
        report.add(
            &data,
            |field| format!("the values in {field} have {size} bytes, expected at most {MAX_SIZE}"),
            None,
        );
    }
}

pub(super) fn secret(object: &Field<'_>, report: &mut Report<'_>) {
    let (data, plain) = (object.get("data"), object.get("stringData"));
    keys(&data, report);
    keys(&plain, report);
    let replaced: usize =
        data.entries().filter(|(key, _)| plain.get(key).is_set()).map(|(_, value)| decoded(&value)).sum();
    let size = text_size(&plain) + decoded_size(&data) - replaced;
    if size > MAX_SIZE {
        report.add(&data, |_| format!("the values have {size} bytes, expected at most {MAX_SIZE}"), None);
    }
    let kind = object.text_or("type", "Opaque");
    // A null value is an empty one.
    let has = |key: &str| [&data, &plain].iter().any(|map| map.value.get(key).is_some());
    let required = REQUIRED_KEYS.iter().find(|(name, _)| *name == kind).map_or(&[][..], |(_, keys)| keys);
    let mut missing = |key: &str| {
        let hint = format!("a Secret of type `{}` needs it", shown(kind));
        report.missing(&data.get(key), Some(hint));
    };
    for key in required.iter().filter(|key| !has(key)) {
        missing(key);
    }
    if kind == "kubernetes.io/basic-auth" && !has("username") && !has("password") {
        missing("username");
    }
    let metadata = object.get("metadata");
    let annotations = metadata.get("annotations");
    let account = annotations.get(SERVICE_ACCOUNT);
    if kind == "kubernetes.io/service-account-token" && account.is_empty() {
        report.missing(&account, Some("name the ServiceAccount of the token".to_owned()));
    }
}

fn keys(map: &Field<'_>, report: &mut Report<'_>) {
    for (key, value) in map.entries() {
        if !is_config_map_key(key) {
            let key = shown(key);
            let form = Format::ConfigMapKey.describe();
            report.add(&value, |_| format!("`{key}` is not a valid key, expected {form}"), None);
        }
    }
}

fn text_size(map: &Field<'_>) -> usize {
    map.entries().map(|(_, value)| value.value.as_str().map_or(0, str::len)).sum()
}

fn decoded_size(map: &Field<'_>) -> usize {
    map.entries().map(|(_, value)| decoded(&value)).sum()
}

/// The size of decoded base64.
fn decoded(value: &Field<'_>) -> usize {
    let text = value.value.as_str().unwrap_or_default();
    let padding =
        text.bytes().rev().take_while(|b| matches!(b, b'=' | b'\n' | b'\r')).filter(|b| *b == b'=').count();
    let digits = text.bytes().filter(|b| !matches!(b, b'\n' | b'\r')).count();
    (digits / 4 * 3).saturating_sub(padding)
}
