//! JVM option files (`jvm-server.options` and its like), edited line by line.
//!
//! Cassandra reads them with `grep '^-'` and lets the shell split the words: only a line whose first character is `-`
//! counts, there is no quoting, an indented flag is ignored, and what follows a flag on its line becomes an argument.

mod files;
mod key;

pub use files::OptionFiles;
pub use key::OptionKey;

/// A parsed file: lines, each with its own line break.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct JvmOptions {
    name: String,
    lines: Vec<String>,
}

/// An option that cannot be written so that the shell hands it to the JVM as it is.
#[derive(Debug, Clone, PartialEq, Eq, thiserror::Error)]
pub enum JvmOptionError {
    /// It does not begin with `-`, so Cassandra would not read its line.
    #[error("{name}: `{option}` is no JVM option; expected it to begin with `-`")]
    NoDash {
        /// The file.
        name: String,
        /// The option.
        option: String,
    },
    /// A blank would split it, a control character could add a line.
    #[error("{name}: `{option}` has a blank or control character; option files know no quotes")]
    Blank {
        /// The file.
        name: String,
        /// The option, its control characters escaped.
        option: String,
    },
}

impl JvmOptions {
    /// Reads a text; `name` stands for it in errors. A byte order mark is dropped: before a `-` it would hide the line.
    pub fn parse(name: &str, text: &str) -> Self {
        let text = text.strip_prefix('\u{feff}').unwrap_or(text);
        Self { name: name.to_owned(), lines: text.split_inclusive('\n').map(str::to_owned).collect() }
    }

    /// The text as it stands.
    pub fn text(&self) -> String {
        self.lines.concat()
    }

    /// The live lines in their order, without line break and blanks behind them; one can hold several [`words`].
    pub fn options(&self) -> impl Iterator<Item = &str> {
        self.lines.iter().filter_map(|line| live(line))
    }

    /// The live line with this key; of several the last, which the JVM takes.
    pub fn get(&self, key: &OptionKey) -> Option<&str> {
        self.options().filter(|line| OptionKey::of(line) == *key).last()
    }

    /// Puts an option in: in place of the first live line with its key, and later ones go; else in place of the only
    /// commented-out line with its key (`#-Xmx4G`); else at the end. An option that is there already, once, changes no byte.
    ///
    /// # Errors
    /// An option that does not begin with `-`, or holds a blank (but for the one of `--add-opens a/b=c` and its like)
    /// or a control character.
    pub fn set(&mut self, option: &str) -> Result<(), JvmOptionError> {
        self.check(option)?;
        let key = OptionKey::of(option);
        self.part_lines(&key);
        let place = self.first(live, &key).or_else(|| self.only_commented(&key));
        let Some(at) = place else {
            self.append(option);
            return Ok(());
        };
        if let Some(line) = self.lines.get_mut(at).filter(|line| live(line) != Some(option)) {
            *line = format!("{option}{}", line_break(line));
        }
        let mut number = 0;
        self.lines.retain(|line| {
            number += 1;
            number <= at + 1 || live(line).is_none_or(|line| OptionKey::of(line) != key)
        });
        Ok(())
    }

    /// Puts an option on a line of its own before the first live line with this key; nothing where there is none.
    ///
    /// # Errors
    /// As [`Self::set`].
    pub fn insert_before(&mut self, key: &OptionKey, option: &str) -> Result<(), JvmOptionError> {
        self.check(option)?;
        self.part_lines(key);
        if let Some(at) = self.first(live, key) {
            let end = self.lines.get(at).map(|line| line_break(line)).filter(|end| !end.is_empty()).unwrap_or("\n");
            let line = format!("{option}{end}");
            self.lines.insert(at, line);
        }
        Ok(())
    }

    /// Takes every live line with this key away.
    pub fn remove(&mut self, key: &OptionKey) {
        self.part_lines(key);
        self.lines.retain(|line| live(line).is_none_or(|line| OptionKey::of(line) != *key));
    }

    /// Comments every live line with this key out, so that it can be seen and enabled again.
    pub fn disable(&mut self, key: &OptionKey) {
        self.part_lines(key);
        for line in &mut self.lines {
            if live(line).is_some_and(|line| OptionKey::of(line) == *key) {
                line.insert(0, '#');
            }
        }
    }

    /// Gives each option a line of its own where one with this key shares its line with others, so that an edit is about
    /// it alone. To the JVM nothing changes.
    fn part_lines(&mut self, key: &OptionKey) {
        let shares = |line: &String| {
            let all = live(line).map(options_of).unwrap_or_default();
            all.len() > 1 && all.iter().any(|option| OptionKey::of(option) == *key)
        };
        if !self.lines.iter().any(shares) {
            return;
        }
        let mut parted = Vec::with_capacity(self.lines.len() + 1);
        for line in std::mem::take(&mut self.lines) {
            if shares(&line) {
                let end = line_break(&line);
                let all = options_of(&line);
                let last = all.len().saturating_sub(1);
                let ends = (0..all.len()).map(|at| if at < last && end.is_empty() { "\n" } else { end });
                parted.extend(all.iter().zip(ends).map(|(option, end)| format!("{option}{end}")));
            } else {
                parted.push(line);
            }
        }
        self.lines = parted;
    }

    fn check(&self, option: &str) -> Result<(), JvmOptionError> {
        let name = self.name.clone();
        if !option.starts_with('-') {
            return Err(JvmOptionError::NoDash { name, option: option.escape_debug().to_string() });
        }
        let mut parts = option.split(' ');
        let paired = parts.next().is_some_and(key::takes_a_word) && parts.clone().count() == 1;
        let value = if paired { parts.next().unwrap_or_default() } else { option };
        // What follows with a dash is an option of its own.
        let is_option = paired && value.starts_with('-');
        if value.is_empty() || is_option || value.contains(|c: char| c.is_whitespace() || c.is_control()) {
            return Err(JvmOptionError::Blank { name, option: option.escape_debug().to_string() });
        }
        Ok(())
    }

    fn first(&self, read: impl Fn(&str) -> Option<&str>, key: &OptionKey) -> Option<usize> {
        self.lines.iter().position(|line| read(line).is_some_and(|line| OptionKey::of(line) == *key))
    }

    /// Whether exactly one commented-out line has this key.
    pub fn has_commented(&self, key: &OptionKey) -> bool {
        self.only_commented(key).is_some()
    }

    fn only_commented(&self, key: &OptionKey) -> Option<usize> {
        let fits = |line: &String| commented(line).is_some_and(|line| OptionKey::of(line) == *key);
        let mut fitting = self.lines.iter().enumerate().filter(|(_, line)| fits(line)).map(|(at, _)| at);
        let only = fitting.next()?;
        fitting.next().is_none().then_some(only)
    }

    fn append(&mut self, option: &str) {
        let newline =
            self.lines.first().map(|line| line_break(line)).filter(|end| !end.is_empty()).unwrap_or("\n").to_owned();
        if let Some(last) = self.lines.last_mut().filter(|line| !line.ends_with('\n')) {
            last.push_str(&newline);
        }
        self.lines.push(format!("{option}{newline}"));
    }
}

/// The words of a live line, as the shell splits them.
pub fn words(line: &str) -> impl Iterator<Item = &str> {
    line.split_ascii_whitespace()
}

/// The options of a line, each with the words that belong to it: `--add-opens a/b=c` is one. A word without a dash stays
/// with the option before it.
pub fn options_of(line: &str) -> Vec<String> {
    let mut options: Vec<String> = Vec::new();
    for word in words(line) {
        match options.last_mut().filter(|_| !word.starts_with('-')) {
            Some(option) => {
                option.push(' ');
                option.push_str(word);
            }
            None => options.push(word.to_owned()),
        }
    }
    options
}

/// Whether an option is one that option files can hold: without blanks, but for the one of `--add-opens a/b=c` and its like.
pub fn is_whole(option: &str) -> bool {
    let mut parts = option.split(' ');
    let first = parts.next().unwrap_or_default();
    match (parts.next(), parts.next()) {
        (None, _) => first.starts_with('-') && !key::takes_a_word(first),
        (Some(value), None) => key::takes_a_word(first) && !value.starts_with('-'),
        _ => false,
    }
}

/// The option of a line that `grep '^-'` finds.
fn live(line: &str) -> Option<&str> {
    line.starts_with('-').then(|| line.trim_end())
}

/// The option of a commented-out line, `#-Xmx4G` or `# -Xmx4G`; a flag inside a sentence is none.
fn commented(line: &str) -> Option<&str> {
    let body = line.strip_prefix('#')?;
    let option = body.strip_prefix(' ').unwrap_or(body).trim_end();
    let mut parts = option.split(' ');
    let first = parts.next().filter(|first| first.starts_with('-') && first.len() > 1)?;
    let more = parts.count();
    (more == 0 || (more == 1 && key::takes_a_word(first))).then_some(option)
}

fn line_break(line: &str) -> &str {
    line.get(line.trim_end_matches(['\n', '\r']).len()..).unwrap_or_default()
}

#[cfg(test)]
mod tests;
