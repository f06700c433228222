//! The limits of a whole render: the number of objects, their size, and the work of the patches.

use serde_json::Value;

use crate::core::bounds::{MAX_PATCH_WORK, MAX_RENDERED_BYTES, STEP_WORK};
use crate::core::manifest::Object;
use crate::core::patch::{Meter, weight};
use crate::core::render::cluster_ip::ClusterIpServices;
use crate::core::render::draft::{Input, PendingObject};
use crate::core::render::gateways::Gateways;
use crate::core::render::needed_objects::Need;
use crate::core::render::per_pool::PerPool;
use crate::core::report::diagnostic::{Diagnostic, Location};

/// What a render has written and worked so far.
#[derive(Clone, Debug)]
pub(super) struct Budget {
    /// The size of all objects at most.
    size: usize,
    /// The work of all patches.
    work: usize,
    /// The manifests in the spec, for errors.
    location: Location,
}

/// What an object had cost before a patch.
#[derive(Clone, Copy, Debug, Default)]
pub(super) struct Cost {
    work: usize,
    added: usize,
}

impl Cost {
    pub(super) fn of(meter: &Meter) -> Self {
        Self { work: meter.work(), added: meter.added() }
    }
}

impl Budget {
    /// Counts the objects and their size before they are made. Refuses more than `input.max_objects`, or too large ones.
    pub(super) fn of(
        input: Input<'_>,
        (per_pool, gateways): (&PerPool, &Gateways<'_>),
        kept: &ClusterIpServices<'_>,
        needed: &[Need],
    ) -> Result<Self, Diagnostic> {
        let location = input.document.location("/spec/manifests");
        let pools = input.pools.pools.len();
        let copies = |object: &Object| {
            if object.is_load_balancer() {
                pools + usize::from(kept.keeps(object))
            } else if per_pool.splits(object) {
                pools
            } else {
                gateways.copies(input, object).unwrap_or(1)
            }
        };
        let platform = &input.platform.spec.objects;
        let with_objects = needed.iter().filter(|need| **need == Need::Rendered).count();
        let count = input
            .objects
            .iter()
            .map(copies)
            .fold(with_objects.saturating_mul(platform.len()), usize::saturating_add);
        if count > input.max_objects {
            return Err(Diagnostic::error(format!(
                "the render would write {count} objects for {pools} pools, the limit is {}",
                input.max_objects
            ))
            .at(location)
            .hint(format!("use --max-objects {count}, or remove objects from the manifests")));
        }
        let sizes = input.objects.iter().map(|object| {
            weight(object.value())
                .saturating_mul(copies(object))
                .saturating_mul(gateways.growth(input, object))
        });
        let theirs = platform.iter().map(|template| weight(template).saturating_mul(with_objects));
        let size = sizes.chain(theirs).fold(0, usize::saturating_add);
        let budget = Self { size, work: 0, location };
        if size > MAX_RENDERED_BYTES {
            return Err(budget.too_large(size));
        }
        Ok(budget)
    }

    /// Counts an object that was added.
    pub(super) fn add(&mut self, object: &Value) {
        self.size = self.size.saturating_add(weight(object));
    }

    /// Whether the size may exceed the limit.
    pub(super) fn is_spent(&self) -> bool {
        self.size > MAX_RENDERED_BYTES
    }

    /// Counts the comparison of a target with an object.
    pub(super) fn step(&mut self) {
        self.work = self.work.saturating_add(STEP_WORK);
    }

    /// Counts what a patch did to an object.
    pub(super) fn count(&mut self, before: Cost, meter: &Meter) {
        self.work = self.work.saturating_add(meter.work().saturating_sub(before.work));
        self.size = self.size.saturating_add(meter.added().saturating_sub(before.added));
    }

    /// Returns the error if the patches so far have exceeded a limit.
    pub(super) fn exceeded(&mut self, pending: &[PendingObject<'_>], at: &Location) -> Option<Diagnostic> {
        if self.work > MAX_PATCH_WORK {
            return Some(
                Diagnostic::error(format!(
                    "the patches have written, moved and compared more than {} MiB in {} objects, which is the limit",
                    MAX_PATCH_WORK >> 20,
                    pending.len()
                ))
                .at(at.clone())
                .hint("write the final values with fewer operations, or patch fewer objects (`target`)"),
            );
        }
        if self.size <= MAX_RENDERED_BYTES {
            return None;
        }
        // What was added may have been removed again.
        self.size = pending.iter().map(|draft| weight(&draft.value)).fold(0, usize::saturating_add);
        self.work = self.work.saturating_add(self.size);
        (self.size > MAX_RENDERED_BYTES).then(|| self.too_large(self.size))
    }

    fn too_large(&self, size: usize) -> Diagnostic {
        Diagnostic::error(format!(
            "the rendered objects would have {} MB, the limit is {} MB",
            size / 1_000_000,
            MAX_RENDERED_BYTES / 1_000_000
        ))
        .at(self.location.clone())
        .hint("make the objects that each pool gets smaller, or split the spec")
    }
}
