//! Reads and checks a platform file.

use crate::core::platform::check;
use crate::core::platform::form::{Platform, PlatformFile};
use crate::core::report::diagnostic::Checked;
use crate::core::{patch, schema, yaml};

impl Platform {
    /// Reads and checks a platform file.
    pub fn read(file: &str, text: &str) -> Checked<Self> {
        let document = yaml::read_own_one(file, text)?;
        let read: PlatformFile = schema::read::typed(&document)?;
        let mut problems = Vec::new();
        check::check(&read.spec, &document, &mut problems);
        let binding = patch::read(&document, "/spec/binding", &mut problems);
        let internal = patch::read(&document, "/spec/internal", &mut problems);
        if !problems.is_empty() {
            return Err(problems);
        }
        Ok(Self { name: read.metadata.name, spec: read.spec, binding, internal })
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::core::platform::builtin_text;

    fn with_key(key: &str) -> String {
        builtin_text("azure-basic").unwrap().replace("  recognize:\n", &format!("  {key}:\n"))
    }

    fn problems(text: &str) -> Vec<String> {
        Platform::read("p.yaml", text).unwrap_err().iter().map(ToString::to_string).collect()
    }

    const OLD: &str = "recognise"; // typos:ignore

    #[test]
    fn the_old_spelling_of_recognize_stays_valid() {
        let [new, old] = ["recognize", OLD].map(|key| Platform::read("p.yaml", &with_key(key)).unwrap());
        assert_eq!(serde_json::to_value(&old.spec).unwrap(), serde_json::to_value(&new.spec).unwrap());
        assert_eq!(new.spec.recognize.provider_ids, ["azure://"]);
    }

    #[test]
    fn problems_name_the_spelling_in_the_file() {
        for key in ["recognize", OLD] {
            let text = with_key(key).replace("    - '^k8s-[a-z]", "    - '(");
            let line = text.lines().position(|line| line.contains("'(")).unwrap() + 1;
            let [problem] = &problems(&text)[..] else { panic!("one problem expected") };
            assert!(problem.starts_with(&format!("p.yaml:{line}: invalid regular expression")), "{problem}");
            let text = with_key(key).replace("providerIDs:", "providerIds:");
            assert!(problems(&text)[0].contains(&format!("unknown field `spec.{key}.providerIds`")));
        }
    }

    #[test]
    fn one_of_the_spellings_is_required() {
        let both = with_key("recognize").replace("  poolLabels:", &format!("  {OLD}: {{}}\n  poolLabels:"));
        assert!(problems(&both)[0].contains(&format!("both `spec.{OLD}` and `spec.recognize` are set")));
        let neither = problems(&with_key("unknown"));
        assert!(neither.iter().any(|problem| problem.contains("missing required field `spec.recognize`")));
        let near = problems(&with_key("recogniz")); // typos:ignore
        assert!(near[0].contains("did you mean `recognize`?"), "{near:?}");
    }
}
