//! Spec files: what is accepted is accepted again after it was written, for each of its clusters.

use largescale::core::dns::RoundRobin;
use largescale::core::lock::Lock;
use largescale::core::pools::merge_locked;
use largescale::core::settings::Settings;
use largescale::core::spec::LargeScale;
use largescale::core::yaml::{read_one, write_plain};

use super::checks::{FILE, located, text};
use super::platforms::builtin;

/// Any text.
pub fn texts(data: &[u8]) {
    let Some(text) = text(data) else { return };
    let (spec, document) = match LargeScale::read(FILE, text) {
        Ok(read) => read,
        Err(problems) => return located(&problems, text),
    };
    let written = write_plain(&spec);
    let (again, _) =
        LargeScale::read(FILE, &written).unwrap_or_else(|problems| panic!("{problems:?}\n{written}"));
    assert_eq!(write_plain(&again), written);
    let _ = Settings::read(&spec, &document, &builtin()[0], &[]).map_err(|problems| located(&problems, text));
    let _ = merge_locked(&spec.spec, &Lock::default()).map_err(|problems| assert!(!problems.is_empty()));
    let _ = RoundRobin::of(&spec.spec, &Lock::default());
    let _ = spec.outputs();
    let names: Vec<String> = spec.cluster_names().map(str::to_owned).collect();
    for name in names {
        match spec.of_cluster(document.clone(), &name) {
            Ok((_, document)) => drop(read_one(FILE, &write_plain(&document.value)).expect("a document")),
            Err(problems) => located(&problems, text),
        }
    }
}
