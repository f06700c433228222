//! Reads another directory of the same run, to see which objects it renders.

use crate::core::apply::Peer;
use crate::core::report::diagnostic::Checked;
use crate::directory::{Project, Reviewed, Source};

/// Reads a rendered directory. `title` names it for people; `namespace` is the one of the command line.
pub fn read_peer(source: &Source, title: String, namespace: Option<&str>) -> Checked<Peer> {
    let project = Project::open(source)?;
    let Reviewed { objects, lock, .. } = Reviewed::read(&project)?;
    let locked = lock.set.and_then(|set| set.namespace);
    let metadata = project.spec.metadata;
    Ok(Peer {
        title,
        flags: source.flags(),
        name: metadata.name,
        namespace: metadata.namespace.or(locked).or_else(|| namespace.map(str::to_owned)),
        lock_id: lock.id,
        cluster: lock.cluster,
        keys: objects.into_iter().map(|object| object.key).collect(),
    })
}
