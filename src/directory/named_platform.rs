//! The platform that a user names on the command line: a built-in one, or a file.

use std::path::Path;

use serde_json::Value;

use crate::core::platform::{Platform, builtin_names, builtin_text};
use crate::core::report::diagnostic::{Checked, Diagnostic};
use crate::core::report::suggest::did_you_mean;
use crate::core::yaml;
use crate::directory::files::read_text_of_user;
use crate::directory::project::is_file_name;

/// A platform with its file.
#[derive(Debug)]
pub struct NamedPlatform {
    /// The platform.
    pub platform: Platform,
    /// The content of the file.
    pub document: Value,
}

impl NamedPlatform {
    /// Reads a built-in platform by its name, or a file: any name with a `/` or a YAML extension.
    ///
    /// # Errors
    /// No platform has the name, the file cannot be read, or it is not a valid platform.
    pub fn read(name: &str) -> Checked<Self> {
        if is_file_name(name) {
            let text = read_text_of_user(Path::new(name), name)?;
            return Self::of(name, &text);
        }
        if let Some(text) = builtin_text(name) {
            return Self::of(&format!("platforms/{name}.yaml (built in)"), text);
        }
        let near = did_you_mean(name, builtin_names());
        Err(Diagnostic::error(format!("platform `{name}` not found{near}"))
            .hint("list the built-in platforms with `kubectl largescale platforms`, or give the path of a file, such as ./my-platform.yaml")
            .into())
    }

    fn of(file: &str, text: &str) -> Checked<Self> {
        let platform = Platform::read(file, text)?;
        let document = yaml::read_own_one(file, text)?.value;
        Ok(Self { platform, document })
    }
}
