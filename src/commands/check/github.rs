//! Findings as workflow commands: GitHub shows them beside the lines of a pull request.

use std::fmt::Write as _;

use crate::commands::check::Checked;
use crate::report::{Place, Severity};

/// One command a finding, in the form of "Workflow commands for GitHub Actions".
pub(super) fn write(checked: &[Checked]) -> String {
    let mut out = String::new();
    for told in checked.iter().flat_map(|checked| &checked.findings) {
        let finding = &told.finding;
        let command = match finding.severity {
            Severity::Error => "error",
            Severity::Warning => "warning",
            Severity::Note => "notice",
        };
        let mut properties = Vec::new();
        if let Some(at) = &told.at {
            properties.push(format!("file={}", property(&at.file)));
            properties.push(format!("line={}", at.line));
            properties.extend(at.column.map(|column| format!("col={column}")));
        }
        // What is in the annotated line already is no title.
        let title = match (&finding.place, &told.at) {
            (Place::File { .. }, Some(_)) => "cassandra-init check".to_owned(),
            (place, _) => place.to_string(),
        };
        properties.push(format!("title={}", property(&title)));
        let hint = finding.hint.as_ref().map(|hint| format!("\nhint: {hint}")).unwrap_or_default();
        let _ =
            writeln!(out, "::{command} {}::{}", properties.join(","), message(&format!("{}{hint}", finding.message)));
    }
    out
}

/// What the runner's own toolkit escapes in a message.
fn message(text: &str) -> String {
    text.replace('%', "%25").replace('\r', "%0D").replace('\n', "%0A")
}

/// In a property, what separates properties is escaped too.
fn property(text: &str) -> String {
    message(text).replace(':', "%3A").replace(',', "%2C")
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::commands::check::{At, Told};
    use crate::exit::Exit;
    use crate::report::Finding;

    #[test]
    fn messages_and_properties_are_escaped() {
        let at = At { file: "a,b:c.yaml".into(), line: 3, column: Some(5), text: None };
        let finding = Finding::error("CASSANDRA_SEEDS", "100% wrong: a,\nb").hint("x");
        let bare = Finding::note("a.yaml:7", "n");
        let findings = vec![Told { finding, at: Some(at) }, Told { finding: bare, at: None }];
        let text = write(&[Checked { title: None, findings, exit: Exit::Success }]);
        assert_eq!(
            text,
            "::error file=a%2Cb%3Ac.yaml,line=3,col=5,title=CASSANDRA_SEEDS::100%25 wrong: a,%0Ab%0Ahint: x\n\
             ::notice title=a.yaml%3A7::n\n"
        );
    }
}
