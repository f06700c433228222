//! Reads and checks a platform file.

use crate::core::platform::check;
use crate::core::platform::form::{Platform, PlatformFile};
use crate::core::report::diagnostic::Checked;
use crate::core::{patch, schema, yaml};

impl Platform {
    /// Reads and checks a platform file.
    pub fn read(file: &str, text: &str) -> Checked<Self> {
        let document = yaml::read_one(file, text)?;
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
