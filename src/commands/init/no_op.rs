//! Proves before anything is written that adopting Gateways changes none of the objects that were read.

use std::collections::BTreeMap;

use serde_json::Value;

use crate::commands::init::manifests::ImportFiles;
use crate::core::bounds::MAX_OBJECTS;
use crate::core::gateway::read_builtin;
use crate::core::import::{Imported, changes_of_gateways};
use crate::core::kubernetes::node::Node;
use crate::core::manifest::read_manifests;
use crate::core::overlay::Overlay;
use crate::core::platform::Platform;
use crate::core::pools::{Lookalikes, MergeOptions, discover_pools, merge};
use crate::core::render::{GatewayInput, Input, render};
use crate::core::report::diagnostic::{Checked, Diagnostic, Severity};
use crate::core::spec::LargeScale;
use crate::core::tree::objects::read_file;
use crate::failure::Failure;
use crate::output::terminal;

/// The cluster and the options of an import, for a render in memory.
pub(super) struct Place<'a> {
    /// The text of the spec.
    pub(super) spec: &'a str,
    pub(super) platform: &'a Platform,
    pub(super) nodes: &'a [Node],
    /// The controllers of the GatewayClasses that the cluster had, by name.
    pub(super) classes: &'a BTreeMap<String, String>,
    /// The namespace of objects that state none.
    pub(super) namespace: Option<&'a str>,
    /// Whether pools without an existing Gateway get one.
    pub(super) may_create: bool,
}

/// Renders the files in memory. Refuses if the render would not be exactly what was read.
pub(super) fn check(
    files: Option<&ImportFiles>,
    imported: Option<&Imported>,
    place: &Place<'_>,
) -> Result<(), Failure> {
    let (Some(files), Some(gateways)) = (files, imported.and_then(|imported| imported.gateways.as_ref()))
    else {
        return Ok(());
    };
    if gateways.before.is_empty() {
        return Ok(());
    }
    files.check()?;
    // The files do not exist, so their lines say nothing.
    let nowhere = |problem: Diagnostic| Diagnostic { location: None, ..problem };
    match rendered(files, place) {
        Ok(objects) => {
            let problems = changes_of_gateways(gateways, &objects, place.namespace, place.may_create);
            if problems.is_empty() { Ok(()) } else { Err(problems.into()) }
        }
        // New pools may need settings, which only the user knows.
        Err(problems) if place.may_create => {
            let warning = |problem| Diagnostic { severity: Severity::Warning, ..nowhere(problem) };
            problems.into_iter().map(warning).for_each(|problem| terminal::diagnostic(&problem));
            Ok(())
        }
        Err(problems) => Err(problems.into_iter().map(nowhere).collect::<Vec<_>>().into()),
    }
}

fn rendered(files: &ImportFiles, place: &Place<'_>) -> Checked<Vec<Value>> {
    let (spec, document) = LargeScale::read("largescale.yaml", place.spec)?;
    let objects = read_manifests(&files.in_memory())?;
    let no_file = |_: &str| Err(Diagnostic::error("no overlay of an import names a file").into());
    let overlays = files.overlay_texts();
    let overlays = overlays.map(|(path, text)| Overlay::read(path, text, &no_file));
    let overlays = overlays.collect::<Result<Vec<_>, _>>()?;
    let discovered = discover_pools(place.nodes, place.platform, spec.spec.pools.label.as_deref(), None)?;
    let options = MergeOptions { lookalikes: Lookalikes::Warn, ..MergeOptions::default() };
    let merged = merge(&spec.spec, &discovered, None, &options)?;
    let name = spec.spec.gateways.as_ref().and_then(|gateways| gateways.implementation.as_deref());
    let implementation = name.and_then(read_builtin).transpose()?;
    let rendered = render(Input {
        spec: &spec,
        document: &document,
        objects: &objects,
        platform: place.platform,
        overlays: &overlays,
        gateways: GatewayInput { implementation: implementation.as_ref(), classes: place.classes },
        pools: &merged.set,
        max_objects: usize::try_from(MAX_OBJECTS).unwrap_or(usize::MAX),
    })?;
    let mut all = Vec::with_capacity(rendered.files.len());
    for file in &rendered.files {
        all.extend(read_file(&file.path, &file.text)?.into_iter().map(|object| object.value));
    }
    Ok(all)
}
