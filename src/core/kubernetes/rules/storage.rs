//! Claims and volumes of a cluster: `ValidatePersistentVolumeClaimSpec`, `ValidatePersistentVolumeSpec`.

use crate::core::schema::field::{Field, Report};

pub(super) fn claim(spec: &Field<'_>, report: &mut Report<'_>) {
    let modes = spec.get("accessModes");
    if modes.is_empty() {
        report.missing(&modes, Some("such as `accessModes: [ReadWriteOnce]`".to_owned()));
    }
    let resources = spec.get("resources");
    let requests = resources.get("requests");
    if !requests.get("storage").is_set() {
        report.missing(&requests.get("storage"), None);
    }
}

pub(super) fn persistent_volume(spec: &Field<'_>, report: &mut Report<'_>) {
    let capacity = spec.get("capacity");
    for field in [capacity.get("storage"), spec.get("accessModes")] {
        if field.is_empty() {
            report.missing(&field, None);
        }
    }
}
