//! The texts that findings point into.

use std::collections::BTreeMap;

use crate::commands::check::{At, secret};
use crate::report::Place;

/// Files by the name that they are shown under.
#[derive(Debug, Default)]
pub(super) struct Sources(BTreeMap<String, String>);

impl Sources {
    /// Adds a file.
    pub(super) fn add(&mut self, name: impl Into<String>, text: impl Into<String>) {
        self.0.insert(name.into(), text.into());
    }

    /// The line at a place, unless the place has none. `hide` keeps its text away, as does a secret in it.
    pub(super) fn at(&self, place: &Place, hide: bool) -> Option<At> {
        let Place::File { name, line: Some(line), column } = place else { return None };
        let text = self.0.get(name).filter(|text| !hide && !secret::in_line(text, *line));
        let text = text.and_then(|text| text.lines().nth(line.checked_sub(1)?)).map(str::to_owned);
        Some(At { file: name.clone(), line: *line, column: *column, text })
    }
}
