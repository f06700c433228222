//! Fields of the spec as hints show them: complete, so that a user who copies one loses no value that the field already has.

use crate::core::spec::Spec;
use crate::core::yaml;

impl Spec {
    /// Returns `spec.pools.exclude` with one more pool.
    pub fn excluding(&self, pool: &str) -> String {
        let known = self.pools.exclude.iter().map(String::as_str);
        let list: Vec<String> = known.chain([pool]).map(yaml::write_scalar).collect();
        format!("spec.pools.exclude: [{}]", list.join(", "))
    }

    /// Returns `spec.pools.declare` with one more pool.
    pub fn declaring(&self, pool: &str) -> String {
        let known = self.pools.declare.iter().map(|declared| declared.name.as_str());
        let list: Vec<String> =
            known.chain([pool]).map(|name| format!("{{name: {}}}", yaml::write_scalar(name))).collect();
        format!("spec.pools.declare: [{}]", list.join(", "))
    }
}

#[cfg(test)]
mod tests {
    use crate::core::spec::LargeScale;

    #[test]
    fn a_hint_keeps_what_the_field_has() {
        let spec = |pools: &str| {
            let text = format!(
                "apiVersion: largescale.dev/v1alpha1\nkind: LargeScale\nmetadata: {{name: a}}\nspec:\n  manifests: [m]\n  platform: hetzner\n  pools: {{{pools}}}\n"
            );
            LargeScale::read("largescale.yaml", &text).unwrap().0.spec
        };
        assert_eq!(spec("").excluding("a"), "spec.pools.exclude: [a]");
        assert_eq!(spec("exclude: [b, 'c*']").excluding("on"), "spec.pools.exclude: [b, c*, \"on\"]");
        assert_eq!(spec("").declaring("a"), "spec.pools.declare: [{name: a}]");
        assert_eq!(spec("declare: [{name: b}]").declaring("a"), "spec.pools.declare: [{name: b}, {name: a}]");
    }
}
