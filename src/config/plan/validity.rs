//! Tells what Cassandra would refuse in the finished cassandra.yaml, at the place where the user can change it.

use crate::cassandra::Version;
use crate::config::documents::{Documents, YAML};
use crate::config::plan::draft::Finished;
use crate::config::validate::{Problem, validate};
use crate::config::yaml::{Step, YamlPath};
use crate::report::{Finding, Place, Report};

/// Adds a finding for each problem: at the variable that set the key, else at its line in the file below our edits.
pub(super) fn check(base: &Documents, finished: &Finished, version: Version, report: &mut Report) {
    for problem in validate(&finished.documents.yaml, version) {
        report.add(Finding {
            severity: problem.severity,
            place: place(&problem, base, finished),
            message: problem.message,
            hint: problem.hint,
        });
    }
}

fn place(problem: &Problem, base: &Documents, finished: &Finished) -> Place {
    let key = problem.path.to_string();
    let set =
        |decided: &str| key.strip_prefix(decided).is_some_and(|rest| rest.is_empty() || rest.starts_with(['.', '[']));
    if let Some(decision) = finished.decisions.iter().rfind(|decision| decision.file == YAML && set(&decision.key)) {
        return Place::from(decision.source.to_string());
    }
    // A key that must be there and is not has no line of its own.
    let at = ancestors(&problem.path).find_map(|path| base.yaml.place_of(&path));
    Place::file(YAML, at.map(|(line, _)| line), at.map(|(_, column)| column))
}

/// A path and all that it lies in, innermost first.
fn ancestors(path: &YamlPath) -> impl Iterator<Item = YamlPath> {
    let steps = path.steps().to_vec();
    (1..=steps.len()).rev().map(move |count| {
        let rest = steps.iter().take(count).skip(1);
        rest.fold(YamlPath::key(path_root(&steps)), |path, step| match step {
            Step::Key(key) => path.child(key.clone()),
            Step::Index(index) => path.item(*index),
        })
    })
}

fn path_root(steps: &[Step]) -> String {
    match steps.first() {
        Some(Step::Key(key)) => key.clone(),
        Some(Step::Index(_)) | None => String::new(),
    }
}
