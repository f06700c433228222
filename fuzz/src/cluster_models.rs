//! Cluster models: what is accepted can be grown, and the grown model has the agents that were asked for.

use largescale::core::cluster_model::{
    Growth, aks_commands, cautions, cluster_suffix, deprecated_settings, grow, grow_machine_deployments,
    is_machine_deployment, juju_commands, load_balancers, planned_nodes, read_model, refusals, summary,
};

use super::checks::{FILE, is_plain, located, text};

/// Any text.
pub fn texts(data: &[u8]) {
    let Some(text) = text(data) else { return };
    assert_eq!(cluster_suffix(text).len(), 8);
    for growth in [Growth { agents: 5, per_pool: 2 }, Growth { agents: 100, per_pool: 40 }] {
        if is_machine_deployment(text) {
            match grow_machine_deployments(FILE, text, growth) {
                Ok((grown, _)) => assert!(is_machine_deployment(&grown), "{grown}"),
                Err(problems) => located(&problems, text),
            }
        }
        model(text, growth);
    }
}

fn model(text: &str, growth: Growth) {
    let model = match read_model(FILE, text) {
        Ok(model) => model,
        Err(problem) => return located([&problem], text),
    };
    let _ = (refusals(&model), deprecated_settings(&model), cautions(&model, growth, 3));
    // The nodes of a large cluster need memory that the fuzzer has not.
    if model.agents() <= 1_000 {
        let _ = planned_nodes(&model).map_err(|problems| located(&problems, text));
    }
    match grow(&model, growth) {
        Err(problems) => located(&problems, text),
        Ok(grown) => {
            let again = read_model(FILE, &grown.text).expect("a grown model is a model");
            assert_eq!(again.agents(), growth.agents, "{}", grown.text);
            assert_eq!(again.pools.len(), grown.pools.len());
            let _ = (summary(&model, &grown), load_balancers(&model, &grown));
            is_plain(&juju_commands(&model, &grown));
            let _ = aks_commands(&model, &grown).map(|commands| is_plain(&commands));
        }
    }
}
