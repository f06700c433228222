//! Checks `is_unchanged` and `predict` against a real server: random objects, edited by us and by other managers.

use std::collections::HashSet;

use http::Request;
use largescale::core::live::{
    LiveObject, MANAGER, Outlook, changes, cleaned, entries, get, is_unchanged, predict, remove,
};
use serde_json::{Value, json};

use crate::control_plane::ApiServer;
use crate::more_objects::more_samples;
use crate::objects::{Sample, definitions, samples};
use crate::random_edits::{Random, edit, index, one_of, part};
use crate::real_server::{as_administrator, create};

/// Walks per kind, states of the object per walk, and objects compared with each state.
const WALKS: u64 = 2;
const STATES: usize = 20;
const FEW_STATES: usize = 8;
const WANTED: usize = 7;

#[derive(Default)]
struct Counts {
    compared: usize,
    /// The server reports no change.
    unchanged: usize,
    /// `is_unchanged` agrees.
    recognized: usize,
    /// Applies that the server accepts and that would change something.
    changed: usize,
    /// Those whose effect the program predicted.
    foretold: usize,
    /// Objects of which the program says whether values would change, without a request.
    decided: usize,
    /// Paths of fields that the server refuses because another manager owns them.
    conflicts: usize,
    wrong: Vec<String>,
}

#[test]
fn objects_that_would_change_are_never_called_unchanged() {
    let Some(server) = ApiServer::shared() else { return };
    let (counts, common) = as_administrator(server, async |client| {
        for definition in definitions() {
            create(&client, "/apis/apiextensions.k8s.io/v1/customresourcedefinitions", definition).await;
        }
        let mut walks = Vec::new();
        let common = samples().into_iter().map(|sample| (sample, WALKS, STATES));
        let others = more_samples().into_iter().map(|sample| (sample, 1, FEW_STATES));
        for (kind, (sample, all_walks, states)) in common.chain(others).enumerate() {
            let Sample { collection, object } = sample;
            for walk in 0..all_walks {
                let name = format!("unchanged-{kind}-{walk}");
                let api = Api { client: client.clone(), path: format!("{collection}/{name}") };
                let mut object = object.clone();
                object["metadata"]["name"] = name.into();
                let random = Random::new(1 + 1000 * kind as u64 + walk);
                walks.push((states, tokio::spawn(walk_of(api, object, states, random))));
            }
        }
        let mut all = Counts::default();
        let mut common = Counts::default();
        for (states, walk) in walks {
            let counts = walk.await.unwrap();
            if states == STATES {
                common.unchanged += counts.unchanged;
                common.recognized += counts.recognized;
            }
            all.compared += counts.compared;
            all.unchanged += counts.unchanged;
            all.recognized += counts.recognized;
            all.changed += counts.changed;
            all.foretold += counts.foretold;
            all.conflicts += counts.conflicts;
            all.decided += counts.decided;
            all.wrong.extend(counts.wrong);
        }
        (all, common)
    });
    let summary = format!(
        "{} compared, {} would not change, {} of them recognized ({} of {} in common kinds), {} would change, {} of them predicted, {} decided, {} conflicts, {} wrong",
        counts.compared,
        counts.unchanged,
        counts.recognized,
        common.recognized,
        common.unchanged,
        counts.changed,
        counts.foretold,
        counts.decided,
        counts.conflicts,
        counts.wrong.len()
    );
    // Many objects of a walk share one cause.
    let mut causes = HashSet::new();
    let first: Vec<&str> = counts
        .wrong
        .iter()
        .filter(|text| causes.insert(text.lines().next()))
        .take(20)
        .map(String::as_str)
        .collect();
    assert!(counts.wrong.is_empty(), "{summary}\n{}", first.join("\n\n"));
    assert!(counts.compared >= 3_000, "{summary}");
    // Of the other kinds, fewer objects are worth the effort: they cost a request, and no wrong answer.
    assert!(common.recognized * 3 > common.unchanged * 2, "{summary}");
    assert!(counts.foretold * 2 > counts.changed && counts.conflicts > 100, "{summary}");
    assert!(counts.decided * 4 > (counts.unchanged + counts.changed) * 3, "{summary}");
}

/// One object on the server.
struct Api {
    client: kube::Client,
    path: String,
}

impl Api {
    async fn apply(&self, object: &Value, manager: &str, options: &str) -> Result<Value, kube::Error> {
        let path = format!("{}?fieldManager={manager}&fieldValidation=Strict{options}", self.path);
        self.patch(&path, "application/apply-patch+yaml", object).await
    }

    async fn patch(&self, path: &str, content: &str, body: &Value) -> Result<Value, kube::Error> {
        let request =
            Request::patch(path).header("Content-Type", content).body(body.to_string().into_bytes());
        self.client.request(request.unwrap()).await
    }

    async fn get(&self) -> Value {
        self.client.request(Request::get(&self.path).body(vec![]).unwrap()).await.unwrap()
    }
}

async fn walk_of(api: Api, base: Value, states: usize, mut random: Random) -> Counts {
    let mut counts = Counts::default();
    let mut live = match created(&api, &base).await {
        Ok(live) => live,
        Err(error) => {
            counts.wrong.push(format!("{error}: {base}"));
            return counts;
        }
    };
    if entries(&checked(&live)).is_some_and(|entries| entries.is_empty()) {
        // An object that only has a name gets its managed fields with its second apply.
        live = created(&api, &base).await.unwrap();
    }
    let outlook = predict(&base, &checked(&live)).outlook;
    // A Pod, for example, is not certain: an admission plugin sets a priority and tolerations.
    if outlook == Outlook::Changed {
        counts.wrong.push(format!("{outlook:?} without an edit\nwanted {base}\nlive   {live}"));
    }
    if states == STATES {
        assert!(is_unchanged(&base, &checked(&live)), "not recognized without an edit: {base}\n{live:#}");
    }
    let mut applied = base.clone();
    for _ in 0..states {
        for number in 0..WANTED {
            let mut wanted = applied.clone();
            if number > 0 {
                for _ in 0..=random.below(2) {
                    edit(&mut wanted, &live, &mut random);
                }
            }
            compare(&api, &wanted, &mut live, &mut counts).await;
        }
        (applied, live) = changed(&api, &base, applied, live, &mut random).await;
    }
    counts
}

/// Creates the object. The kinds of custom resources are served a moment after their definitions.
async fn created(api: &Api, base: &Value) -> Result<Value, kube::Error> {
    for _ in 0..100 {
        match api.apply(base, MANAGER, "").await {
            Err(kube::Error::Api(status)) if status.code == 404 => {
                tokio::time::sleep(std::time::Duration::from_millis(50)).await;
            }
            answer => return answer,
        }
    }
    panic!("{} is not served", api.path);
}

/// Every answer of a real server passes the checks.
fn checked(live: &Value) -> LiveObject {
    LiveObject::read(live.clone()).unwrap()
}

async fn compare(api: &Api, wanted: &Value, live: &mut Value, counts: &mut Counts) {
    let answer = api.apply(wanted, MANAGER, "&dryRun=All").await;
    let would_stay = answer.as_ref().is_ok_and(|answer| without_times(answer) == without_times(live));
    let said = is_unchanged(wanted, &checked(live));
    counts.compared += 1;
    counts.unchanged += usize::from(would_stay);
    counts.recognized += usize::from(would_stay && said);
    match &answer {
        Ok(answer) if !would_stay => {
            counts.changed += 1;
            let left = changes(&cleaned(&predict(wanted, &checked(live)).after), &cleaned(answer));
            counts.foretold += usize::from(left.is_empty());
        }
        Err(kube::Error::Api(status)) if status.code == 409 => {
            give_way(api, wanted, status, counts).await;
        }
        _ => {}
    }
    look_ahead(wanted, live, &answer, counts);
    let answer = answer.map_or_else(|error| format!("{error}"), |answer| answer.to_string());
    if said && !would_stay {
        counts.wrong.push(format!("wanted {wanted}\nlive   {live}\nanswer {answer}"));
    }
    // Every prediction is compared with a dry run, and some with a real apply.
    if said || would_stay && counts.unchanged.is_multiple_of(4) {
        let after = api.apply(wanted, MANAGER, "").await.unwrap_or_default();
        let is_same = if !said {
            without_version(&without_times(&after)) == without_version(&without_times(live))
        } else if has_empty_bytes(live) {
            without_version(&after) == without_version(live)
        } else {
            after == *live
        };
        if !is_same {
            counts.wrong.push(format!("applied {wanted}\nlive   {live}\nafter  {after}"));
        }
        *live = api.get().await;
    }
}

/// Checks that the prediction and the dry run agree on whether values would change.
fn look_ahead(wanted: &Value, live: &Value, answer: &Result<Value, kube::Error>, counts: &mut Counts) {
    let Ok(answer) = answer else { return };
    let outlook = predict(wanted, &checked(live)).outlook;
    let would_change = cleaned(answer) != cleaned(live);
    let expected = if would_change { Outlook::Changed } else { Outlook::Same };
    counts.decided += usize::from(outlook == expected);
    if outlook != expected && outlook != Outlook::NotCertain {
        let found = changes(&cleaned(live), &cleaned(answer));
        counts.wrong.push(format!("{outlook:?}, but {found:?}\nwanted {wanted}\nlive   {live}"));
    }
}

/// Checks that the paths named by the server exist in `wanted`, and that there is no conflict without them.
async fn give_way(api: &Api, wanted: &Value, status: &kube::core::Status, counts: &mut Counts) {
    let causes = status.details.iter().flat_map(|details| &details.causes);
    let paths: Vec<_> =
        causes.filter(|cause| cause.reason == "FieldManagerConflict").map(|cause| &cause.field).collect();
    let mut rest = wanted.clone();
    for path in &paths {
        counts.conflicts += 1;
        if get(path, wanted).is_none() {
            counts.wrong.push(format!("{path} is not in {wanted}"));
        }
        remove(path, &mut rest);
    }
    if let Err(kube::Error::Api(status)) = api.apply(&rest, MANAGER, "&dryRun=All").await
        && status.code == 409
    {
        counts.wrong.push(format!("{paths:?} are not all of it: {wanted}\n{}", status.message));
    }
}

/// Returns whether the object has empty bytes. The server treats an empty value in an apply and in its store as
/// different: it writes the object again at each apply, although only its version changes.
fn has_empty_bytes(live: &Value) -> bool {
    let values = ["data", "binaryData"].into_iter().filter_map(|field| live[field].as_object());
    values.flat_map(serde_json::Map::values).any(|value| value == "")
}

fn without_version(object: &Value) -> Value {
    let mut object = object.clone();
    if let Some(metadata) = object["metadata"].as_object_mut() {
        metadata.remove("resourceVersion");
    }
    object
}

fn without_times(object: &Value) -> Value {
    let mut object = object.clone();
    let Some(entries) = object["metadata"]["managedFields"].as_array_mut() else { return object };
    for entry in entries.iter_mut() {
        entry.as_object_mut().unwrap().remove("time");
    }
    // The server orders them by time.
    entries.sort_by_key(Value::to_string);
    object
}

/// Returns the next state: the object after a random change by us or by another manager, if the server accepts it.
async fn changed(
    api: &Api,
    base: &Value,
    applied: Value,
    live: Value,
    random: &mut Random,
) -> (Value, Value) {
    let mut wanted = if random.below(4) == 0 { base.clone() } else { applied.clone() };
    edit(&mut wanted, &live, random);
    let result = match random.below(8) {
        0..=2 => {
            let force = *one_of(random, &["", "&force=true"]);
            let result = api.apply(&wanted, MANAGER, force).await;
            return match result {
                Ok(live) => (wanted, live),
                Err(_) => (applied, live),
            };
        }
        3 | 4 => {
            let manager = *one_of(random, &["other", "kubectl"]);
            api.apply(&part(&wanted, random), manager, "&force=true").await
        }
        5 => {
            let path = format!("{}?fieldManager={}", api.path, one_of(random, &["other", MANAGER]));
            api.patch(&path, "application/merge-patch+json", &wanted).await
        }
        6 => {
            let path =
                format!("{}/status?fieldManager={}", api.path, one_of(random, &["controller", MANAGER]));
            let status = json!({"status": {"observedGeneration": index(random, 9), "replicas": 2}});
            api.patch(&path, "application/merge-patch+json", &status).await
        }
        _ => {
            let path = format!("{}/scale?fieldManager=scaler", api.path);
            let scale = json!({"spec": {"replicas": 1 + random.below(3)}});
            api.patch(&path, "application/merge-patch+json", &scale).await
        }
    };
    let live = if result.is_ok() { api.get().await } else { live };
    // A deletion timestamp or a removed entry would end the walk, and nothing here deletes.
    (applied, live)
}
