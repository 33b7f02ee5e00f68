//! Tells what Cassandra would refuse in the finished cassandra.yaml, at the place where the user can change it.

use crate::cassandra::Version;
use crate::config::documents::{Documents, Origin, YAML, covers};
use crate::config::plan::draft::Finished;
use crate::config::trace::Known;
use crate::config::validate::{Problem, validate};
use crate::config::yaml::{Step, YamlPath};
use crate::report::{Finding, Place, Report};

/// Adds a finding for each problem: at the variable that set the key, else at the line of the fragment or the file that did.
pub(super) fn check(base: &Documents, finished: &Finished, version: Version, report: &mut Report) {
    let problems = validate(&finished.documents.yaml, version);
    if problems.is_empty() {
        return;
    }
    let below = base.file(YAML).and_then(|file| Known::read(YAML, file));
    for problem in problems {
        report.add(Finding {
            severity: problem.severity,
            place: place(&problem, base, finished, below.as_ref()),
            message: problem.message,
            hint: problem.hint,
        });
    }
}

fn place(problem: &Problem, base: &Documents, finished: &Finished, below: Option<&Known>) -> Place {
    let key = problem.path.to_string();
    let of_yaml = || finished.decisions.iter().filter(|decision| decision.file == YAML);
    let whole = of_yaml().rfind(|decision| covers(&decision.key, &key));
    if let Some(decision) = whole.or_else(|| of_yaml().rfind(|decision| covers(&key, &decision.key))) {
        // A variable with many keys has lines.
        let lined = base.generic_origin(&key).filter(|origin| origin.source == decision.source);
        return lined.map_or_else(|| Place::from(decision.source.to_string()), Origin::place);
    }
    // A key that must be there and is not has no line of its own.
    let traced = |path: YamlPath| below.and_then(|known| known.trace(&path.to_string()));
    ancestors(&problem.path).find_map(traced).map_or_else(|| Place::file(YAML, None, None), |(_, place)| place)
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
