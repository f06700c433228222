//! The forms of values in Kubernetes' fields, with the description of each for messages.
//!
//! Sources, of Kubernetes 1.36: apimachinery `pkg/util/validation` and `pkg/api/resource`. A newer version may accept more in
//! some fields (a relaxed rule is behind a feature gate first). Where 1.36 has such a gate, the relaxed rule is here.

use ::core::net::{Ipv4Addr, Ipv6Addr};

use base64::Engine;
use base64::alphabet;
use base64::engine::{DecodePaddingMode, GeneralPurpose, GeneralPurposeConfig};
use serde_json::Value;

use crate::core::kubernetes::name_rules::{
    is_config_map_key, is_label, is_label_key, is_label_value, is_path_segment, is_subdomain,
};

/// The form of a value.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Format {
    /// Any value that is not empty.
    Given,
    /// A whole number in a range.
    Between(i64, i64),
    /// One of these texts.
    OneOf(&'static [&'static str]),
    /// The number of a port, or a name of a container's port.
    PortOrName,
    /// The name of a container's port: `IsValidPortName`.
    PortName,
    /// A whole number or a percentage.
    IntOrPercent,
    /// A whole number or a percentage of at most 100 %.
    IntOrPart,
    /// A DNS label.
    Label,
    /// A DNS subdomain.
    Subdomain,
    /// A DNS subdomain, or the beginning of one: a dash may follow.
    SubdomainPrefix,
    /// A label key.
    LabelKey,
    /// A label value.
    LabelValue,
    /// A map of labels.
    Labels,
    /// The key of a ConfigMap or Secret.
    ConfigMapKey,
    /// The name of an environment variable. Kubernetes accepts all printable ASCII characters but `=` since 1.34
    /// (`RelaxedEnvironmentVariableValidation`, on by default since 1.32).
    EnvName,
    /// A segment of a URL path.
    PathSegment,
    /// An IP address. Numbers of an IPv4 address may begin with zeros, as in Kubernetes.
    Address,
    /// An address range.
    Cidr,
}

const ANY_PORT: &str = "a number from 1 to 65535";

impl Format {
    /// Returns whether a value has the form. Accepts a value of a type that the form is not for.
    pub fn accepts(self, value: &Value) -> bool {
        let text = |accepts: fn(&str) -> bool| value.as_str().is_none_or(accepts);
        match self {
            Self::Given => match value {
                Value::String(text) => !text.is_empty(),
                Value::Array(list) => !list.is_empty(),
                Value::Object(map) => !map.is_empty(),
                _ => true,
            },
            Self::Between(least, most) => {
                value.as_i64().is_none_or(|number| (least..=most).contains(&number))
            }
            Self::OneOf(known) => value.as_str().is_none_or(|text| known.contains(&text)),
            Self::PortOrName => match value {
                Value::String(name) => is_port_name(name),
                _ => Self::Between(1, 65535).accepts(value),
            },
            Self::PortName => text(is_port_name),
            Self::IntOrPercent => match value {
                Value::String(text) => percent(text).is_some(),
                _ => Self::Between(0, i64::MAX).accepts(value),
            },
            Self::IntOrPart => match value {
                Value::String(text) => percent(text).is_some_and(|percent| percent <= 100),
                _ => Self::Between(0, i64::MAX).accepts(value),
            },
            Self::Label => text(is_label),
            Self::Subdomain => text(is_subdomain),
            Self::SubdomainPrefix => text(is_subdomain_prefix),
            Self::LabelKey => text(is_label_key),
            Self::LabelValue => text(is_label_value),
            Self::Labels => value.as_object().is_none_or(|map| {
                map.iter().all(|(key, value)| is_label_key(key) && value.as_str().is_none_or(is_label_value))
            }),
            Self::ConfigMapKey => text(is_config_map_key),
            Self::EnvName => text(is_env_name),
            Self::PathSegment => text(is_path_segment),
            Self::Address => text(is_address),
            Self::Cidr => text(is_cidr),
        }
    }

    /// Describes the form, after `expected `.
    pub fn describe(self) -> String {
        match self {
            Self::Given => "a value that is not empty",
            Self::Between(1, 65535) => ANY_PORT,
            Self::Between(0, i64::MAX) => "0 or more",
            Self::Between(least, i64::MAX) => return format!("{least} or more"),
            Self::Between(least, most) => return format!("a number from {least} to {most}"),
            Self::OneOf(known) => return format!("one of: {}", known.join(", ")),
            Self::PortOrName => {
                "a number from 1 to 65535, or the name of a container port: at most 15 lower-case letters, digits and single `-`, with at least one letter"
            }
            Self::PortName => {
                "at most 15 lower-case letters, digits and single `-`, with at least one letter"
            }
            Self::IntOrPercent => "0 or more, or a percentage such as `25%`",
            Self::IntOrPart => "0 or more, or a percentage up to `100%`",
            Self::Label => {
                "a DNS label: at most 63 lower-case letters, digits and `-`, beginning and ending with a letter or digit"
            }
            Self::Subdomain | Self::SubdomainPrefix => {
                "a DNS subdomain: at most 253 lower-case letters, digits, `-` and `.`, with a letter or digit at both ends of each part"
            }
            Self::LabelKey => {
                "NAME or PREFIX/NAME: a DNS subdomain, and at most 63 letters, digits, `-`, `_` and `.`, beginning and ending with a letter or digit"
            }
            Self::LabelValue => {
                "at most 63 letters, digits, `-`, `_` and `.`, beginning and ending with a letter or digit"
            }
            Self::Labels => "valid labels",
            Self::ConfigMapKey => "at most 253 letters, digits, `-`, `_` and `.`, and no `..` at the beginning",
            Self::EnvName => "printable ASCII characters except `=`",
            Self::PathSegment => "any text without `/` and `%`, except `.` and `..`",
            Self::Address => "an IP address",
            Self::Cidr => "an address range, such as `192.0.2.0/24`",
        }
        .to_owned()
    }
}

/// Returns whether a text is a quantity: a sign, digits with a point, and a suffix.
pub fn is_quantity(text: &str) -> bool {
    if text.is_empty() {
        return false;
    }
    let unsigned = text.strip_prefix(['+', '-']).unwrap_or(text);
    let rest = unsigned.trim_start_matches(|c: char| c.is_ascii_digit());
    let rest = rest.strip_prefix('.').unwrap_or(rest).trim_start_matches(|c: char| c.is_ascii_digit());
    match rest {
        "" | "n" | "u" | "m" | "k" | "M" | "G" | "T" | "P" | "E" | "Ki" | "Mi" | "Gi" | "Ti" | "Pi"
        | "Ei" => unsigned.matches('.').count() <= 1,
        _ => rest.strip_prefix(['e', 'E']).is_some_and(|exponent| exponent.parse::<i32>().is_ok()),
    }
}

/// Returns whether Go decodes a text as base64: it ignores line ends, and the unused bits of the last character.
pub fn is_base64(text: &str) -> bool {
    const CONFIG: GeneralPurposeConfig = GeneralPurposeConfig::new()
        .with_decode_allow_trailing_bits(true)
        .with_decode_padding_mode(DecodePaddingMode::RequireCanonical);
    const GO: GeneralPurpose = GeneralPurpose::new(&alphabet::STANDARD, CONFIG);
    if !text.contains(['\n', '\r']) {
        return GO.decode(text).is_ok();
    }
    GO.decode(text.replace(['\n', '\r'], "")).is_ok()
}

/// Returns whether a text is the name of a port of a container.
pub fn is_port_name(name: &str) -> bool {
    name.len() <= 15 && is_label(name) && !name.contains("--") && name.bytes().any(|b| b.is_ascii_lowercase())
}

/// Returns a percentage as a number.
pub fn percent(text: &str) -> Option<u64> {
    let digits = text.strip_suffix('%')?;
    let is_number = !digits.is_empty() && digits.bytes().all(|b| b.is_ascii_digit());
    is_number.then(|| digits.parse().unwrap_or(u64::MAX))
}

fn is_env_name(name: &str) -> bool {
    !name.is_empty() && name.bytes().all(|b| (b' '..=b'~').contains(&b) && b != b'=')
}

/// The API server replaces the last two characters, so that the name may end with a dash.
fn is_subdomain_prefix(name: &str) -> bool {
    let masked = name.strip_suffix('-').filter(|rest| rest.is_ascii() && !rest.is_empty());
    is_subdomain(name) || masked.is_some_and(|rest| is_subdomain(&format!("{}a", &rest[..rest.len() - 1])))
}

fn is_address(text: &str) -> bool {
    text.parse::<Ipv6Addr>().is_ok() || is_ipv4(text) || is_mapped(text)
}

/// IPv4 with zeros in front of its numbers, which older versions of Go accepted.
fn is_ipv4(text: &str) -> bool {
    let plain: Vec<&str> = text
        .split('.')
        .map(|number| match number.trim_start_matches('0') {
            "" if !number.is_empty() => "0",
            digits => digits,
        })
        .collect();
    plain.join(".").parse::<Ipv4Addr>().is_ok()
}

fn is_mapped(text: &str) -> bool {
    text.rsplit_once(':')
        .is_some_and(|(prefix, last)| is_ipv4(last) && format!("{prefix}:0").parse::<Ipv6Addr>().is_ok())
}

fn is_cidr(text: &str) -> bool {
    let Some((address, length)) = text.split_once('/') else { return false };
    let is_digits = !length.is_empty() && length.bytes().all(|b| b.is_ascii_digit());
    let most = if address.contains(':') { 128 } else { 32 };
    is_digits && is_address(address) && length.parse::<u32>().is_ok_and(|length| length <= most)
}

#[cfg(test)]
mod tests {
    use serde_json::json;

    use super::*;
    use crate::core::kubernetes::accepts::check;

    #[test]
    fn forms_of_texts() {
        check(
            is_quantity,
            &["0", "1", "-1", "+1", "0.5", ".5", "5.", "1e3", "1E3", "1E", "1E-3", "100m", "1Gi", "1k", "1n"],
            &["", "1g", "1GB", "1 Gi", "one", "1e", "1..2", "1Ki2", "1K", "0x1", "1e99999999999"],
        );
        check(
            is_base64,
            &["", "YQ==", "YR==", "YW\nJj\n", "YWJj"],
            &["a", "YQ", "YQ=", "a b=", "YQ==YQ==", "_w=="],
        );
        check(
            is_port_name,
            &["http", "a1", "1a", "web-http"],
            &["", "80", "HTTP", "a--b", "-a", "a-", "abcdefghijklmnop"],
        );
        check(is_env_name, &["A", "a.b-c", "1", " ", "A B"], &["", "A=B", "Ä", "a\n"]);
        check(is_subdomain_prefix, &["a", "a.b", "ab-", "A-"], &["", "-", "a_", "A_-"]);
        check(
            is_address,
            &["192.0.2.1", "010.0.0.1", "::1", "::ffff:1.2.3.4"],
            &["", "1.2.3", "256.0.0.1", "a", "1.2.3.4.5", "..."],
        );
        check(
            is_cidr,
            &["10.0.0.0/8", "::/0", "10.1.2.3/8"],
            &["", "10.0.0.0", "10.0.0.0/33", "10.0.0.0/a", "10.0.0.0/+8"],
        );
        assert_eq!([percent("5%"), percent("%"), percent("5"), percent("-5%")], [Some(5), None, None, None]);
    }

    #[test]
    fn forms_accept_values_of_other_types() {
        for format in
            [Format::Label, Format::Between(1, 2), Format::PortOrName, Format::Labels, Format::Given]
        {
            assert!(format.accepts(&json!(true)), "{format:?}");
        }
        assert!(!Format::PortOrName.accepts(&json!(0)) && !Format::PortOrName.accepts(&json!("8080")));
        assert!(!Format::IntOrPart.accepts(&json!("101%")) && Format::IntOrPercent.accepts(&json!("101%")));
        assert!(!Format::Labels.accepts(&json!({"a b": "c"})) && !Format::Given.accepts(&json!([])));
    }
}
