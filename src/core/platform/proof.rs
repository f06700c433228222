//! How a platform was proven: which code of the provider was run or read.

use schemars::JsonSchema;
use serde::{Deserialize, Serialize};

/// How the binding of a platform was proven.
#[derive(Clone, Debug, PartialEq, Eq, Deserialize, Serialize, JsonSchema)]
#[serde(rename_all = "camelCase", deny_unknown_fields)]
pub struct Proof {
    /// The strength of the proof.
    pub grade: Grade,
    /// The code or document that was read or run, with its version.
    pub source: String,
    /// For `tested`: the tests in this repository that run the provider's code.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub by: Option<String>,
    /// For `executed`: the day, as YYYY-MM-DD.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub date: Option<String>,
    /// For `tested` and `executed`: the functions of the provider that ran.
    #[serde(default, skip_serializing_if = "Vec::is_empty")]
    pub functions: Vec<String>,
    /// For `executed`: the result.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub result: Option<String>,
}

/// The strength of a proof.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord, Deserialize, Serialize, JsonSchema)]
#[serde(rename_all = "camelCase")]
pub enum Grade {
    /// The tests of this repository run the provider's code on rendered Services.
    Tested,
    /// The provider's code was run by hand on rendered Services.
    Executed,
    /// The provider's code or documents were read, but no code was run.
    Documented,
}

impl Grade {
    /// Returns the word in platform files and tables.
    pub fn word(self) -> &'static str {
        match self {
            Self::Tested => "tested",
            Self::Executed => "executed",
            Self::Documented => "documented",
        }
    }
}

impl Proof {
    /// Returns the fields that the grade lacks, and the fields that belong to other grades.
    pub(in crate::core) fn misfits(&self) -> Vec<(&'static str, String)> {
        let grade = self.grade.word();
        let needs = |grades: &[Grade]| grades.contains(&self.grade);
        let mut problems = Vec::new();
        for (field, is_set, is_needed) in [
            ("by", self.by.is_some(), needs(&[Grade::Tested])),
            ("date", self.date.is_some(), needs(&[Grade::Executed])),
            ("functions", !self.functions.is_empty(), needs(&[Grade::Tested, Grade::Executed])),
            ("result", self.result.is_some(), needs(&[Grade::Executed])),
        ] {
            match (is_set, is_needed) {
                (true, false) => problems
                    .push((field, format!("`spec.proof.{field}` does not apply to the grade `{grade}`"))),
                (false, true) => {
                    problems.push(("", format!("the grade `{grade}` requires `spec.proof.{field}`")));
                }
                _ => {}
            }
        }
        if let Some(date) = self.date.as_ref().filter(|date| !is_day(date)) {
            problems
                .push(("date", format!("`spec.proof.date` is {date:?}, expected a day such as 2026-11-29")));
        }
        problems
    }
}

/// Whether a text has the form YYYY-MM-DD.
fn is_day(text: &str) -> bool {
    let parts: Vec<&str> = text.split('-').collect();
    let [year, month, day] = parts.as_slice() else { return false };
    let number = |text: &str, length: usize| {
        (text.len() == length && text.bytes().all(|byte| byte.is_ascii_digit()))
            .then(|| text.parse::<u32>().ok())
            .flatten()
    };
    number(year, 4).is_some()
        && number(month, 2).is_some_and(|month| (1..=12).contains(&month))
        && number(day, 2).is_some_and(|day| (1..=31).contains(&day))
}

#[cfg(test)]
mod tests {
    use serde_json::{Value, json};

    use super::*;

    fn misfits(rest: &Value) -> Vec<String> {
        let mut form = json!({"source": "a/b v1"});
        json_patch::merge(&mut form, rest);
        let proof: Proof = serde_json::from_value(form).unwrap();
        proof.misfits().into_iter().map(|(_, text)| text).collect()
    }

    #[test]
    fn each_grade_has_its_fields() {
        let none: Vec<String> = Vec::new();
        assert_eq!(misfits(&json!({"grade": "documented"})), none);
        assert_eq!(misfits(&json!({"grade": "tested", "by": "tests/go/a", "functions": ["f"]})), none);
        let executed =
            json!({"grade": "executed", "date": "2026-11-29", "functions": ["f"], "result": "3 of 3"});
        assert_eq!(misfits(&executed), none);
        assert_eq!(
            misfits(&json!({"grade": "executed", "functions": ["f"]})),
            [
                "the grade `executed` requires `spec.proof.date`",
                "the grade `executed` requires `spec.proof.result`"
            ]
        );
        assert_eq!(
            misfits(&json!({"grade": "documented", "functions": ["f"]})),
            ["`spec.proof.functions` does not apply to the grade `documented`"]
        );
        for wrong in ["29.11.2026", "2026-13-01", "2026-11-32", "2026-11", "2026-11-2x"] {
            let with = json!({"grade": "executed", "date": wrong, "functions": ["f"], "result": "3 of 3"});
            assert_eq!(misfits(&with).len(), 1, "{wrong}");
        }
    }
}
