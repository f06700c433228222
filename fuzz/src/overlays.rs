//! Overlays: what is accepted leaves every object an object, or unchanged.

use largescale::core::manifest::Scopes;
use largescale::core::overlay::{Overlay, PatchSubject};
use largescale::core::patch::placeholder::Values;
use serde_json::json;

use super::checks::{FILE, located, text};

/// Any text.
pub fn texts(data: &[u8]) {
    let Some(text) = text(data) else { return };
    // A file that the overlay names has the same text.
    let read_file = |name: &str| Ok((name.to_owned(), text.to_owned()));
    let overlay = match Overlay::read(FILE, text, &read_file) {
        Ok(overlay) => overlay,
        Err(problems) => return located(&problems, text),
    };
    let _ = overlay.check_platform("azure-basic").map_err(|problem| located([&problem], text));
    let _ = overlay.uses_placeholder("pool.name", "azure-basic");
    let scopes = Scopes::of(&[]);
    let objects = [
        json!({"apiVersion": "v1", "kind": "Service", "metadata": {"name": "web", "labels": {}, "annotations": {}},
            "spec": {"type": "LoadBalancer", "ports": [{"name": "http", "port": 80}]}}),
        json!({"apiVersion": "apps/v1", "kind": "Deployment", "metadata": {"name": "web", "labels": {"app": "web"},
            "annotations": {}}, "spec": {"template": {"spec": {"containers": [{"name": "web", "image": "i"}]}}}}),
    ];
    for object in objects {
        let subject =
            PatchSubject { object: &object, service: Some("web"), pool: Some("a"), scopes: &scopes };
        for patch in overlay.patches_for("azure-basic") {
            let _ = patch.matches(subject);
            let values = Values::default().with("pool.name", Some("a"), "").with("pool.vmSet", None, "why");
            let mut patched = object.clone();
            match patch.patch.apply(&mut patched, "the object", &values) {
                Ok(()) => assert!(patched.is_object(), "no object any more"),
                Err(error) => {
                    located([&error.problem], text);
                    assert_eq!(patched, object, "changed although the patch failed");
                }
            }
        }
    }
}
