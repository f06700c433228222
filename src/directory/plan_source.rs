//! Where the spec of a plan is: written into the plan, and found again by an apply in another directory.

use std::fs;
use std::path::{Component, Path, PathBuf};

use crate::core::apply::PlanSource;
use crate::directory::Source;
use crate::directory::lock_file::as_typed;

/// Returns the location of a spec relative to the directory of the plan; `None` if that directory cannot be read.
pub fn plan_source(plan: &Path, source: &Source) -> Option<PlanSource> {
    let directory = directory_of(plan)?;
    let spec = relative(&source.beside(""), &directory);
    Some(PlanSource { spec: spec.to_str()?.to_owned(), cluster: source.cluster.clone() })
}

/// Returns the spec that a plan was made for, as a user would name it, if it is there and is another one than `source`.
pub fn other_source(plan: &Path, made_for: &PlanSource, source: &Source) -> Option<Source> {
    let spec =
        fs::canonicalize(directory_of(plan)?.join(&made_for.spec)).ok().filter(|path| path.is_file())?;
    let other = Source { path: as_typed(&spec), cluster: made_for.cluster.clone(), outside: source.outside };
    let is_same = other.beside("") == source.beside("") && other.cluster == source.cluster;
    (!is_same).then_some(other)
}

fn directory_of(plan: &Path) -> Option<PathBuf> {
    let parent = plan.parent().filter(|parent| !parent.as_os_str().is_empty()).unwrap_or(Path::new("."));
    fs::canonicalize(parent).ok()
}

/// Returns a path relative to a directory; both are absolute and normalized.
fn relative(path: &Path, directory: &Path) -> PathBuf {
    let (path, directory): (Vec<Component>, Vec<Component>) =
        (path.components().collect(), directory.components().collect());
    let same = path.iter().zip(&directory).take_while(|(a, b)| a == b).count();
    let up = directory[same..].iter().map(|_| Component::ParentDir);
    up.chain(path[same..].iter().copied()).collect()
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn paths_relative_to_a_directory() {
        let of = |path: &str, directory: &str| {
            relative(Path::new(path), Path::new(directory)).display().to_string()
        };
        assert_eq!(of("/repo/web/largescale.yaml", "/repo"), "web/largescale.yaml");
        assert_eq!(of("/repo/web/largescale.yaml", "/repo/web"), "largescale.yaml");
        assert_eq!(of("/repo/web/largescale.yaml", "/tmp/plans"), "../../repo/web/largescale.yaml");
    }
}
