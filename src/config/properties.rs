//! `.properties` files as `java.util.Properties` reads them, edited line by line.
//!
//! The rules are those of `Properties.load(InputStream)`, which Cassandra's `SnitchProperties` calls: `#` and `!` begin a comment, `=`, `:` or blanks end a key, a backslash
//! at the end of a line continues it, `\uXXXX` and `\t\n\r\f` are escapes, the last of two equal keys wins,
//! and every byte is a character of ISO-8859-1: an `é` in a UTF-8 file is two others to Java.

mod escape;

use std::ops::Range;

/// A parsed file whose text can be edited: comments, order, separators, line ends and untouched bytes stay.
#[derive(Debug, Clone)]
pub struct Properties {
    text: String,
    entries: Vec<Entry>,
}

/// A file that is refused.
#[derive(Debug, Clone, PartialEq, Eq, thiserror::Error)]
pub enum PropertiesError {
    /// `Properties.load` throws on it.
    #[error("{name}:{line}: malformed \\u escape; expected four hexadecimal digits")]
    Escape {
        /// The file.
        name: String,
        /// The line where the entry begins, from 1.
        line: usize,
    },
}

/// One `key=value`, over as many lines as it is continued.
#[derive(Debug, Clone)]
struct Entry {
    key: String,
    value: String,
    /// From the start of its first line to the end of its last, line break included.
    lines: Range<usize>,
    /// Where the written key ends.
    key_end: usize,
    /// The written value.
    written: Range<usize>,
}

impl Properties {
    /// Reads a text; `name` stands for it in errors.
    ///
    /// # Errors
    /// A malformed `\u` escape, at which Java too refuses the file.
    pub fn parse(name: &str, text: &str) -> Result<Self, PropertiesError> {
        match entries(text) {
            Ok(entries) => Ok(Self { text: text.to_owned(), entries }),
            Err(at) => {
                let line = 1 + text.bytes().take(at).filter(|byte| *byte == b'\n').count();
                Err(PropertiesError::Escape { name: name.to_owned(), line })
            }
        }
    }

    /// The text as it stands.
    pub fn text(&self) -> &str {
        &self.text
    }

    /// The value that Java sees for the key.
    pub fn get(&self, key: &str) -> Option<&str> {
        self.entries.iter().rev().find(|entry| entry.key == key).map(|entry| entry.value.as_str())
    }

    /// All entries in the order of the file, duplicates included.
    pub fn iter(&self) -> impl Iterator<Item = (&str, &str)> {
        self.entries.iter().map(|entry| (entry.key.as_str(), entry.value.as_str()))
    }

    /// The bytes of each entry's written value, in the order of the file.
    pub fn spans(&self) -> impl Iterator<Item = (&str, Range<usize>)> {
        self.entries.iter().map(|entry| (entry.key.as_str(), entry.written.clone()))
    }

    /// The line, from 1, on which the entry begins that Java takes for the key.
    pub fn line(&self, key: &str) -> Option<usize> {
        let entry = self.entries.iter().rev().find(|entry| entry.key == key)?;
        let before = self.text.get(..entry.lines.start)?;
        Some(1 + before.bytes().filter(|byte| *byte == b'\n').count())
    }

    /// Gives the key a value: in its line, of several in the last one, which Java takes, and the earlier ones go; else in
    /// the only commented-out line of the key; else at the end. A value that is there already changes no byte.
    pub fn set(&mut self, key: &str, value: &str) {
        let live: Vec<usize> = self.positions(key);
        let written = escape::value(value);
        if let Some(entry) = live.last().and_then(|at| self.entries.get(*at)) {
            let change = (entry.value != value).then(|| self.in_place(entry, written));
            let earlier =
                live.iter().rev().skip(1).filter_map(|at| self.entries.get(*at)).map(|entry| entry.lines.clone());
            let splices: Vec<_> = change.into_iter().chain(earlier.map(|lines| (lines, String::new()))).collect();
            self.splice(splices);
        } else if let Some(line) = self.commented(key) {
            self.splice(vec![(line, format!("{}={written}", escape::key(key)))]);
        } else {
            let newline = newline(&self.text);
            let unfinished = !self.text.is_empty() && !self.text.ends_with('\n');
            // A file that ends in a backslash would swallow the line; an empty one ends the continuation.
            let breaks = usize::from(unfinished) + usize::from(self.is_continued_at_end());
            let before = newline.repeat(breaks);
            let end = self.text.len();
            self.splice(vec![(end..end, format!("{before}{}={written}{newline}", escape::key(key)))]);
        }
    }

    /// Makes the only commented-out line of a key that is not live (`#prefer_local=true`) live, with its value; false when
    /// there is nothing to enable.
    pub fn enable(&mut self, key: &str) -> bool {
        let line = self.commented(key).filter(|_| self.get(key).is_none());
        let Some(body) = line.as_ref().and_then(|line| self.text.get(line.clone())) else {
            return false;
        };
        let value = entries(body.trim_start_matches(['#', '!']))
            .ok()
            .and_then(|entries| entries.into_iter().find(|entry| entry.key == key))
            .map(|entry| entry.value);
        value.inspect(|value| self.set(key, value)).is_some()
    }

    /// Takes every line of the key away.
    pub fn remove(&mut self, key: &str) {
        let splices = self
            .positions(key)
            .iter()
            .filter_map(|at| self.entries.get(*at))
            .map(|entry| (entry.lines.clone(), String::new()))
            .collect();
        self.splice(splices);
    }

    fn positions(&self, key: &str) -> Vec<usize> {
        self.entries.iter().enumerate().filter(|(_, entry)| entry.key == key).map(|(at, _)| at).collect()
    }

    /// The one comment line that reads `# key=…`, without its line break.
    fn commented(&self, key: &str) -> Option<Range<usize>> {
        let mut start = 0;
        let mut found = None;
        for line in self.text.split_inclusive('\n') {
            let range = start..start + line.trim_end_matches(['\n', '\r']).len();
            start += line.len();
            let inside = self.entries.iter().any(|entry| entry.lines.contains(&range.start));
            let Some(body) = line.strip_prefix(['#', '!']).filter(|_| !inside) else {
                continue;
            };
            let body = body.strip_prefix(' ').unwrap_or(body);
            let rest = body.strip_prefix(escape::key(key).as_str()).map(|rest| rest.trim_start_matches([' ', '\t']));
            if rest.is_some_and(|rest| rest.starts_with(['=', ':'])) {
                if found.is_some() {
                    return None;
                }
                found = Some(range);
            }
        }
        found
    }

    /// What a new value replaces, and its text: with a separator where the line had none (`key` alone), and there without
    /// the backslash of a continuation that never came, which would escape it.
    fn in_place(&self, entry: &Entry, written: String) -> (Range<usize>, String) {
        if entry.key_end < entry.written.start {
            return (entry.written.clone(), written);
        }
        let ends = entry.key_end == self.text.len() && self.text.ends_with('\\') && self.is_continued_at_end();
        (entry.key_end - usize::from(ends)..entry.written.end, format!("={written}"))
    }

    /// Whether the last entry goes on in a line that is not there: its last line ends in a backslash of its own.
    fn is_continued_at_end(&self) -> bool {
        let text = self.text.as_str();
        let last = ["\r\n", "\n", "\r"].iter().find_map(|end| text.strip_suffix(end)).unwrap_or(text);
        let within = self.entries.last().is_some_and(|entry| entry.lines.end == text.len());
        within && last.bytes().rev().take_while(|byte| *byte == b'\\').count() % 2 == 1
    }

    fn splice(&mut self, mut splices: Vec<(Range<usize>, String)>) {
        splices.sort_by_key(|(range, _)| range.start);
        for (range, text) in splices.into_iter().rev() {
            self.text.replace_range(range, &text);
        }
        // What was readable stays so: only whole lines and escaped values were written.
        if let Ok(entries) = entries(&self.text) {
            self.entries = entries;
        }
    }
}

fn newline(text: &str) -> &'static str {
    if text.split('\n').next().is_some_and(|line| line.ends_with('\r')) { "\r\n" } else { "\n" }
}

/// All entries of a text, or the start of the one that Java refuses.
fn entries(text: &str) -> Result<Vec<Entry>, usize> {
    let mut out = Vec::new();
    let mut at = 0;
    while at < text.len() {
        let logical = escape::logical_line(text, at);
        if let Some(split) = &logical.entry {
            let key = escape::read(text, split.key.clone()).ok_or(at)?;
            let value = escape::read(text, split.value.clone()).ok_or(at)?;
            out.push(Entry {
                key,
                value,
                lines: at..logical.end,
                key_end: split.key.end,
                written: split.value.clone(),
            });
        }
        at = logical.end;
    }
    Ok(out)
}

#[cfg(test)]
mod tests;
