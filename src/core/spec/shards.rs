//! `spec.shards`: Services that differ only in name and address, instead of one for each pool.

use serde_json::Value;

use crate::core::bounds::MAX_SHARDS;
use crate::core::pointer;
use crate::core::report::diagnostic::Diagnostic;
use crate::core::spec::LargeScale;
use crate::core::yaml::Document;

impl LargeScale {
    /// Reports a number of shards out of range, and fields that are about pools.
    pub(super) fn problems_of_shards(&self, document: &Document) -> Vec<Diagnostic> {
        let Some(shards) = self.spec.shards else { return Vec::new() };
        let mut problems = Vec::new();
        if shards == 0 || shards > MAX_SHARDS {
            let message = format!("`spec.shards` is {shards}, expected 1 to {MAX_SHARDS}");
            let hint =
                "to render no Services, delete the spec; to render one for each pool, remove `spec.shards`";
            problems.push(Diagnostic::error(message).at(document.location("/spec/shards")).hint(hint));
        }
        let workload = &self.spec.workload;
        let of_workload = [("perPool", workload.per_pool), ("spread", workload.spread)];
        let of_workload = of_workload.into_iter().filter(|(_, is_set)| *is_set);
        let of_workload = of_workload.map(|(field, _)| ("/spec/workload", field.to_owned()));
        let pools = document.value.pointer("/spec/pools").and_then(Value::as_object);
        let of_pools = pools.into_iter().flatten().map(|(field, _)| ("/spec/pools", field.clone()));
        let gateways = self.spec.gateways.iter().map(|_| ("/spec", "gateways".to_owned()));
        for (parent, field) in of_pools.chain(of_workload).chain(gateways) {
            let at = pointer::join(parent, &field);
            let field = pointer::field(&at);
            let message =
                format!("`{field}` is about pools, and `spec.shards` renders Services without pools");
            let hint = "remove one of them: a spec has either pools or shards; two specs may render the same workload in both ways";
            problems.push(Diagnostic::error(message).at(document.location(&at)).hint(hint));
        }
        problems
    }
}

#[cfg(test)]
mod tests {
    use crate::core::spec::LargeScale;

    fn problems(fields: &str) -> Vec<String> {
        let text = format!(
            "apiVersion: largescale.dev/v1alpha1\nkind: LargeScale\nmetadata: {{name: a}}\nspec:\n  manifests: [m]\n  platform: gke\n{fields}"
        );
        let read = LargeScale::read("s.yaml", &text);
        read.err().into_iter().flatten().map(|problem| problem.to_string()).collect()
    }

    #[test]
    fn the_number_has_limits() {
        for (number, is_valid) in [(0, false), (1, true), (1000, true), (1001, false)] {
            let found = problems(&format!("  shards: {number}\n"));
            assert_eq!(found.is_empty(), is_valid, "{number}: {found:?}");
        }
        for wrong in ["-1", "1.5", "three", "[2]", "4294967296"] {
            assert_eq!(problems(&format!("  shards: {wrong}\n")).len(), 1, "{wrong}");
        }
    }

    #[test]
    fn fields_about_pools_are_refused_by_name() {
        let found = problems(
            "  shards: 3\n  pools: {label: x, exclude: [a]}\n  workload: {perPool: true, spread: true}\n  gateways: {}\n",
        );
        let sentence = |line: u8, field: &str| {
            format!(
                "s.yaml:{line}: `{field}` is about pools, and `spec.shards` renders Services without pools"
            )
        };
        assert_eq!(
            found,
            [
                sentence(8, "spec.pools.exclude"),
                sentence(8, "spec.pools.label"),
                sentence(9, "spec.workload.perPool"),
                sentence(9, "spec.workload.spread"),
                sentence(10, "spec.gateways"),
            ]
        );
        assert_eq!(problems("  shards: 3\n  pools: {}\n  workload: {}\n"), Vec::<String>::new());
    }
}
