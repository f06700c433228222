//! Quantities such as `500m` and `1Gi`, as the API server writes them.
//!
//! From `pkg/api/resource/quantity.go` of k8s.io/apimachinery 0.36: a quantity is written with the largest suffix of its
//! form that needs no fraction.

use serde_json::Value;

/// A quantity, in billionths.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) struct Quantity {
    billionths: i128,
    form: Form,
}

/// The kind of suffix.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
enum Form {
    /// `Ki`, `Mi` and so on.
    Binary,
    /// `m`, `k`, `M` and so on.
    Decimal,
    /// `e3`, `e6` and so on.
    Exponent,
}

const BILLION: i128 = 1_000_000_000;
const BINARY: &[&str] = &["", "Ki", "Mi", "Gi", "Ti", "Pi", "Ei"];
/// The suffixes from 10^-9 on, in steps of 10^3.
const DECIMAL: &[&str] = &["n", "u", "m", "", "k", "M", "G", "T", "P", "E"];

impl Quantity {
    /// Reads a string or a number; `None` if it has another form, needs rounding, or has too many digits.
    pub(super) fn read(value: &Value) -> Option<Self> {
        match value {
            Value::String(text) => Self::parse(text),
            Value::Number(number) => Self::parse(number.to_string().trim_end_matches(".0")),
            _ => None,
        }
    }

    fn parse(text: &str) -> Option<Self> {
        let (is_negative, unsigned) = match text.strip_prefix('-') {
            Some(rest) => (true, rest),
            None => (false, text.strip_prefix('+').unwrap_or(text)),
        };
        let end = unsigned.find(|c: char| !c.is_ascii_digit() && c != '.').unwrap_or(unsigned.len());
        let (number, suffix) = unsigned.split_at(end);
        let (whole, fraction) = number.split_once('.').unwrap_or((number, ""));
        let digits = format!("{whole}{fraction}");
        if digits.is_empty() || digits.len() > 20 || fraction.contains('.') {
            return None;
        }
        let mut billionths = digits.parse::<i128>().ok()?;
        let mut scale = 9 - i32::try_from(fraction.len()).ok()?;
        let form = if let Some(step) = BINARY.iter().skip(1).position(|known| *known == suffix) {
            billionths = billionths.checked_mul(1 << (10 * (step + 1)))?;
            Form::Binary
        } else if let Some(step) = DECIMAL.iter().position(|known| *known == suffix) {
            scale += 3 * i32::try_from(step).ok()? - 9;
            Form::Decimal
        } else {
            let exponent: i32 = suffix.strip_prefix(['e', 'E'])?.parse().ok()?;
            scale += exponent.clamp(-100, 100);
            Form::Exponent
        };
        let factor = 10_i128.checked_pow(scale.unsigned_abs())?;
        billionths = if scale < 0 {
            (billionths % factor == 0).then_some(billionths / factor)?
        } else {
            billionths.checked_mul(factor)?
        };
        Some(Self { billionths: if is_negative { -billionths } else { billionths }, form })
    }

    /// Whether both have the same value, in whatever form.
    pub(super) fn has_value_of(self, other: Self) -> bool {
        self.billionths == other.billionths
    }

    /// Whether the server keeps it as it is: it rounds amounts of resources up to thousandths.
    pub(super) fn is_exact(self) -> bool {
        self.billionths % 1_000_000 == 0
    }

    /// Returns the text that the server writes; `None` if it would round.
    pub(super) fn canonical(self) -> Option<String> {
        if self.form == Form::Binary && self.billionths.abs() >= 1024 * BILLION {
            let mut number = (self.billionths % BILLION == 0).then_some(self.billionths / BILLION)?;
            let mut steps = 0;
            while number % 1024 == 0 {
                number /= 1024;
                steps += 1;
            }
            return BINARY.get(steps).map(|suffix| format!("{number}{suffix}"));
        }
        let (mut number, mut steps) = (self.billionths, 0);
        while number != 0 && number % 1000 == 0 {
            number /= 1000;
            steps += 1;
        }
        if number == 0 {
            return Some("0".to_owned());
        }
        if self.form == Form::Exponent {
            let exponent = 3 * i32::try_from(steps).ok()? - 9;
            return Some(if exponent == 0 { number.to_string() } else { format!("{number}e{exponent}") });
        }
        DECIMAL.get(steps).map(|suffix| format!("{number}{suffix}"))
    }
}

#[cfg(test)]
mod tests {
    use serde_json::json;

    use super::*;

    #[test]
    fn quantities_are_written_as_the_server_does() {
        for (given, expected) in [
            (json!("1000m"), "1"),
            (json!("0.5"), "500m"),
            (json!(0.5), "500m"),
            (json!(1), "1"),
            (json!(1000.0), "1k"),
            (json!("1024Mi"), "1Gi"),
            (json!("1Gi"), "1Gi"),
            (json!("1.5Gi"), "1536Mi"),
            (json!("0.5Ki"), "512"),
            (json!("1500Mi"), "1500Mi"),
            (json!("1e3"), "1e3"),
            (json!("1E"), "1E"),
            (json!("12e4"), "120e3"),
            (json!("0"), "0"),
            (json!("0Mi"), "0"),
            (json!("-1000m"), "-1"),
            (json!("+5"), "5"),
            (json!("100000000"), "100M"),
            (json!("1048576"), "1048576"),
            (json!("100u"), "100u"),
            (json!(".5"), "500m"),
            (json!("5."), "5"),
        ] {
            let quantity = Quantity::read(&given).unwrap_or_else(|| panic!("{given}"));
            assert_eq!(quantity.canonical().as_deref(), Some(expected), "{given}");
        }
    }

    #[test]
    fn what_is_no_quantity_or_would_be_rounded() {
        for given in ["", "x", "1 Gi", "1gi", "1.2.3", "0.1n", "1e", "--1", "Gi", "123456789012345678901"] {
            assert_eq!(Quantity::read(&json!(given)), None, "{given}");
        }
        assert_eq!(Quantity::read(&json!(true)), None);
        let of = |text: &str| Quantity::parse(text).unwrap();
        assert_eq!(of("1024.5Ki").canonical(), Some("1049088".to_owned()));
        assert_eq!(of("1025.0001Ki").canonical(), None, "the server rounds it up");
        assert!(of("1Ki").has_value_of(of("1024")) && !of("1Ki").has_value_of(of("1k")));
        assert!(of("1m").is_exact() && !of("100u").is_exact());
    }
}
