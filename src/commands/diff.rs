//! `diff`: what `render` would change in the tree, object by object.

use std::collections::BTreeMap;
use std::fmt::Write;

use serde_json::{Value, json};

use crate::cli::Global;
use crate::commands::discover::{NodeArgs, discover};
use crate::commands::output::{self, LineFormat};
use crate::core::mask::Mask;
use crate::core::plan::{Action, Overwrite, Plan, Step, plan};
use crate::core::pools::Shrink;
use crate::core::render::RenderedFile;
use crate::core::text_diff::{DiffLine, unified};
use crate::core::yaml;
use crate::directory::{Project, Tree, external_diff};
use crate::exit::Exit;
use crate::failure::Failure;
use crate::ui;

/// Show what render would change in the tree, object by object
///
/// Exits with 0 if nothing would change, with 1 if something would, and with more if it could not be found out.
/// `KUBECTL_EXTERNAL_DIFF` names another program to show the differences, as with kubectl diff.
#[derive(clap::Args, Debug)]
pub struct Args {
    #[command(flatten)]
    nodes: NodeArgs,
    /// Only how many objects would be created, changed and removed
    #[arg(long, conflicts_with = "output")]
    summary: bool,
    /// Output format; default: a unified diff
    #[arg(short, long, value_enum, value_name = "FORMAT")]
    output: Option<LineFormat>,
}

/// One file as it is and as it would be, secrets masked.
struct Change<'a> {
    step: &'a Step,
    old: String,
    new: String,
}

/// Shows the differences.
pub fn run(global: &Global, args: &Args) -> Result<Exit, Failure> {
    let project = &Project::load(&global.file)?;
    let rendered = discover(project, &global.cluster, &args.nodes, Shrink::Refuse)?.render(project)?;
    let tree = Tree::look(project, &rendered.files)?;
    let name = project.output().display().to_string();
    // A diff shows a hand's changes too; only a render refuses to lose them.
    let plan = plan(&rendered.files, project.lock.as_ref(), &tree.digests(), &name, Overwrite::Allowed)?;
    if args.summary {
        ui::data(&summary(&plan))?;
        return Ok(exit(&plan));
    }
    let changes = changes(&plan, &rendered.files, &tree.known);
    match args.output {
        Some(LineFormat::Json) => ui::data(&output::json(&as_json(&changes, &name)))?,
        Some(LineFormat::Name) => ui::data(&names(&changes))?,
        None => {
            let texts: Vec<_> = changes
                .iter()
                .map(|change| (change.step.path.as_str(), change.old.as_str(), change.new.as_str()))
                .collect();
            if changes.is_empty() || !external_diff(&texts)? {
                let shown: String = changes.iter().map(|change| ui::diff(&change.lines(&name))).collect();
                ui::data(&shown)?;
            }
        }
    }
    Ok(exit(&plan))
}

fn exit(plan: &Plan) -> Exit {
    if plan.changes_anything() { Exit::Different } else { Exit::Success }
}

fn summary(plan: &Plan) -> String {
    format!(
        "{} created, {} changed, {} removed, {} unchanged\n",
        plan.count(Action::Created),
        plan.count(Action::Changed),
        plan.count(Action::Removed),
        plan.count(Action::Unchanged)
    )
}

fn changes<'a>(
    plan: &'a Plan,
    rendered: &[RenderedFile],
    on_disk: &BTreeMap<String, Vec<u8>>,
) -> Vec<Change<'a>> {
    let by_path: BTreeMap<&str, &RenderedFile> =
        rendered.iter().map(|file| (file.path.as_str(), file)).collect();
    let mut mask = Mask::default();
    plan.steps
        .iter()
        .filter(|step| step.action != Action::Unchanged)
        .map(|step| {
            let old = on_disk
                .get(&step.path)
                .map(|bytes| shown(&String::from_utf8_lossy(bytes), &mut mask))
                .unwrap_or_default();
            let new =
                by_path.get(step.path.as_str()).map(|file| shown(&file.text, &mut mask)).unwrap_or_default();
            Change { step, old, new }
        })
        .collect()
}

/// The text of a file; of a Secret, the object without its values. What cannot be read and may be a Secret is not shown.
fn shown(text: &str, mask: &mut Mask) -> String {
    if !text.contains("Secret") {
        return text.to_owned();
    }
    match yaml::read_one("", text) {
        Ok(document) if document.value["kind"] == "Secret" => {
            let header = text
                .lines()
                .next()
                .filter(|line| line.starts_with('#'))
                .map(|line| format!("{line}\n"))
                .unwrap_or_default();
            header + &yaml::write_object(&mask.apply(&document.value))
        }
        Ok(_) => text.to_owned(),
        Err(_) => "# not shown: not valid YAML, and it may hold a Secret\n".to_owned(),
    }
}

impl Change<'_> {
    fn lines(&self, output: &str) -> Vec<DiffLine> {
        let path = format!("{output}/{}", self.step.path);
        let side = |letter: &str, absent: Action| {
            if self.step.action == absent { "/dev/null".to_owned() } else { format!("{letter}/{path}") }
        };
        unified(&self.old, &self.new, &side("a", Action::Created), &side("b", Action::Removed))
    }
}

fn names(changes: &[Change<'_>]) -> String {
    changes.iter().fold(String::new(), |mut out, change| {
        let _ = match &change.step.key {
            Some(key) => writeln!(out, "{key}"),
            None => writeln!(out, "{}", change.step.path),
        };
        out
    })
}

fn as_json(changes: &[Change<'_>], output: &str) -> Value {
    let items: Vec<Value> = changes
        .iter()
        .map(|change| {
            let diff: String = change
                .lines(output)
                .iter()
                .map(|line| {
                    format!(
                        "{}{}\n",
                        line.sign(),
                        line.parts.iter().map(|(_, text)| text.as_str()).collect::<String>()
                    )
                })
                .collect();
            let mut item =
                json!({ "path": change.step.path, "action": change.step.action.word(), "diff": diff });
            if let Some(key) = &change.step.key {
                item["object"] = key.to_string().into();
            }
            item
        })
        .collect();
    json!({ "apiVersion": "largescale.dev/v1alpha1", "kind": "DiffResult", "changes": items })
}
