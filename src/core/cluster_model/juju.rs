//! Juju commands that create the same pools in Charmed Kubernetes.

use crate::core::cluster_model::grow::Grown;
use crate::core::cluster_model::read::Model;
use crate::core::report::shell_quote::word;

/// Returns the Juju commands that give a cluster the pools of the grown model, one application for each. Existing
/// applications get more units, and new ones are deployed from the same charm. The model does not list the relations of
/// an application, so the commands do not add any.
pub fn juju_commands(model: &Model, grown: &Grown) -> String {
    let size = model.pools.last().map_or("", |pool| pool.string("vmSize"));
    let constraints = match size {
        "" => String::new(),
        size => format!(" --constraints {}", word(&format!("instance-type={size}"))),
    };
    let known = grown.pools.len() - grown.added;
    let more = model.pools.iter().zip(&grown.pools).filter_map(|(pool, (name, count))| {
        let more = count - pool.count.unwrap_or(0);
        (more > 0).then(|| format!("juju add-unit {} -n {more}\n", word(name)))
    });
    let new = grown.pools[known..].iter().map(|(name, count)| {
        format!("juju deploy kubernetes-worker {} -n {count}{constraints}\n", word(name))
    });
    more.chain(new).collect()
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::core::cluster_model::grow::grow;
    use crate::core::cluster_model::growth_rules::Growth;
    use crate::core::cluster_model::read::read_model;

    #[test]
    fn one_application_for_each_pool() {
        let text = r#"{"apiVersion":"vlabs","properties":{"agentPoolProfiles":[{"name":"a","count":2,"vmSize":"Standard_D2_v2"}]}}"#;
        let model = read_model("m.json", text).unwrap();
        let grown = grow(&model, Growth { agents: 150, per_pool: 100 }).unwrap();
        assert_eq!(
            juju_commands(&model, &grown),
            "juju add-unit a -n 98\njuju deploy kubernetes-worker a2 -n 50 --constraints instance-type=Standard_D2_v2\n"
        );
    }
}
