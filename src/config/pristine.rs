//! The pristine layer's memory: which texts of a conf file are ours, so that a later start begins from the user's.

use std::collections::BTreeMap;
use std::fmt;

use sha2::{Digest, Sha256};

/// How many of our own versions of a file are remembered: what is there, what the hook got, what replaces it.
const REMEMBERED: usize = 6;
/// The line that says that the hook has the folder.
const LENT: &str = "lent";
/// What begins the line of a file that the pristine layer has.
const KEPT: &str = "kept";
/// What begins the line of a file that is only ours.
const ADDED: &str = "added";

/// A SHA-256 of a file's bytes, in hexadecimal.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Fingerprint(String);

impl Fingerprint {
    /// The fingerprint of `bytes`.
    pub fn of(bytes: &[u8]) -> Self {
        use fmt::Write as _;
        let digest = Sha256::digest(bytes);
        Self(digest.iter().fold(String::with_capacity(64), |mut text, byte| {
            let _ = write!(text, "{byte:02x}");
            text
        }))
    }
}

/// What is remembered of each file that we wrote.
#[derive(Debug, Clone, Default, PartialEq, Eq)]
pub struct Record {
    files: BTreeMap<String, Entry>,
    /// Whether the hook has the folder: what it leaves there counts only if it comes to its end.
    lent: bool,
}

#[derive(Debug, Clone, Default, PartialEq, Eq)]
struct Entry {
    /// Whether the pristine layer has the file at all.
    pristine: bool,
    /// Our own versions, oldest first.
    ours: Vec<Fingerprint>,
}

/// What a file in the conf folder is.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Verdict {
    /// Never written by us: it is the pristine file.
    Untouched,
    /// Written by us: the pristine file is the kept copy.
    Ours,
    /// Written by us, and the pristine layer did not have it.
    Added,
    /// Put there by the user since: it is the new pristine file.
    Replaced,
    /// Changed by somebody who may not: the kept copy counts.
    Tampered,
}

impl Record {
    /// Reads what `Display` wrote; damaged lines are left out.
    pub fn parse(text: &str) -> Self {
        let files = text.lines().filter_map(entry).collect();
        Self { files, lent: text.lines().any(|line| line == LENT) }
    }

    /// What the file `name` with these bytes is; `trusted` says that only the user can have put it there (it belongs to root or
    /// comes from a mount).
    pub fn judge(&self, name: &str, bytes: &[u8], trusted: bool) -> Verdict {
        let Some(entry) = self.files.get(name) else {
            // Before the hook gets the folder, everything in it is recorded.
            return if self.lent && !trusted { Verdict::Added } else { Verdict::Untouched };
        };
        match (entry.ours.contains(&Fingerprint::of(bytes)), entry.pristine) {
            (true, true) => Verdict::Ours,
            (false, _) if trusted && !self.lent => Verdict::Replaced,
            (false, true) => Verdict::Tampered,
            (_, false) => Verdict::Added,
        }
    }

    /// Notes that the hook gets the folder, or that it is ours again.
    pub fn set_lent(&mut self, lent: bool) {
        self.lent = lent;
    }

    /// Whether the hook has the folder, or had it when a start was killed.
    pub fn is_lent(&self) -> bool {
        self.lent
    }

    /// The files that are remembered.
    pub fn names(&self) -> impl Iterator<Item = &str> {
        self.files.keys().map(String::as_str)
    }

    /// Forgets a file that is gone or not ours to write any more.
    pub fn forget(&mut self, name: &str) {
        self.files.remove(name);
    }

    /// Whether the file was kept at an earlier start.
    pub fn is_kept(&self, name: &str) -> bool {
        self.files.get(name).is_some_and(|entry| entry.pristine)
    }

    /// Remembers that `bytes` are about to be written to `name`, whose pristine text is there or not. A name with a line break
    /// is no configuration file's, and is not remembered.
    pub fn remember(&mut self, name: &str, pristine: bool, bytes: &[u8]) {
        if name.contains('\n') {
            return;
        }
        let entry = self.files.entry(name.to_owned()).or_default();
        entry.pristine = pristine;
        let fingerprint = Fingerprint::of(bytes);
        entry.ours.retain(|known| *known != fingerprint);
        entry.ours.push(fingerprint);
        let surplus = entry.ours.len().saturating_sub(REMEMBERED);
        entry.ours.drain(..surplus);
    }
}

/// One line: the origin, our versions, and the name, which may have blanks in it.
fn entry(line: &str) -> Option<(String, Entry)> {
    let mut fields = line.splitn(3, ' ');
    let pristine = match fields.next()? {
        KEPT => true,
        ADDED => false,
        _ => return None,
    };
    let ours = fields.next()?.split(',').map(|digits| (digits.len() == 64).then(|| Fingerprint(digits.to_owned())));
    let ours = ours.collect::<Option<Vec<_>>>()?;
    Some((fields.next()?.to_owned(), Entry { pristine, ours }))
}

impl fmt::Display for Record {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        if self.lent {
            writeln!(f, "{LENT}")?;
        }
        for (name, entry) in &self.files {
            let ours: Vec<&str> = entry.ours.iter().map(|fingerprint| fingerprint.0.as_str()).collect();
            writeln!(f, "{} {} {name}", if entry.pristine { KEPT } else { ADDED }, ours.join(","))?;
        }
        Ok(())
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_file_is_told_apart_by_who_wrote_it() {
        let mut record = Record::default();
        assert_eq!(record.judge("cassandra.yaml", b"stock", true), Verdict::Untouched);
        record.remember("cassandra.yaml", true, b"ours");
        assert_eq!(record.judge("cassandra.yaml", b"ours", true), Verdict::Ours);
        assert_eq!(record.judge("cassandra.yaml", b"theirs", true), Verdict::Replaced);
        assert_eq!(record.judge("cassandra.yaml", b"evil", false), Verdict::Tampered);
        record.remember("jvm17-server.options", false, b"ours");
        assert_eq!(record.judge("jvm17-server.options", b"ours", true), Verdict::Added);
    }

    #[test]
    fn it_reads_what_it_writes_and_forgets_the_oldest() {
        let mut record = Record::default();
        for start in 0..20_u8 {
            record.remember("cassandra.yaml", true, &[start]);
        }
        let read = Record::parse(&record.to_string());
        assert_eq!(read, record);
        assert_eq!(read.judge("cassandra.yaml", &[19], true), Verdict::Ours);
        assert_eq!(read.judge("cassandra.yaml", &[1], true), Verdict::Replaced);
    }

    #[test]
    fn what_an_interrupted_hook_left_is_not_the_users() {
        let mut record = Record::default();
        record.remember("cassandra.yaml", true, b"ours");
        record.set_lent(true);
        let record = Record::parse(&record.to_string());
        assert_eq!(record.judge("cassandra.yaml", b"half an edit", true), Verdict::Tampered);
    }

    #[test]
    fn what_an_interrupted_hook_added_is_nobodys() {
        let mut record = Record::default();
        assert_eq!(record.judge("extra", b"x", false), Verdict::Untouched);
        record.set_lent(true);
        assert_eq!(record.judge("extra", b"x", false), Verdict::Added);
        assert_eq!(record.judge("extra", b"x", true), Verdict::Untouched);
    }

    #[test]
    fn a_name_may_have_blanks_in_it_but_no_line_break() {
        let mut record = Record::default();
        record.remember("my own.properties", true, b"ours");
        record.remember("two\nlines", true, b"ours");
        let read = Record::parse(&record.to_string());
        assert_eq!(read, record);
        assert_eq!(read.names().collect::<Vec<_>>(), ["my own.properties"]);
    }

    #[test]
    fn a_damaged_record_is_read_as_far_as_it_goes() {
        let mut record = Record::default();
        record.remember("y", false, b"ours");
        let text = format!("kept\n\nx y z\nkept 12 z\n{record}added ");
        assert_eq!(Record::parse(&text), record);
    }
}
