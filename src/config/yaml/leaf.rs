//! Scanning of what holds no structure: keys and scalars.

use super::layout::{Block, Kind, line_end, next_line};
use super::scalar::Style;
use super::scan::Scanner;

/// The key that begins at this byte and the place right behind its colon, if this is a `key:` at all.
pub(super) fn key(text: &str, at: usize) -> Option<(String, usize)> {
    let line = text.get(at..line_end(text, at))?;
    let (key, rest) = match line.bytes().next()? {
        quote @ (b'"' | b'\'') => {
            let length = quoted_length(line, quote)?;
            let (quoted, rest) = line.split_at_checked(length)?;
            (unquote(quoted)?, rest)
        }
        b'[' | b'{' | b'#' | b'&' | b'*' | b'!' | b'|' | b'>' | b'%' | b'@' | b'`' => return None,
        b'?' | b'-' if line.len() == 1 || line.get(1..2) == Some(" ") => return None,
        _ => {
            let colon = colon(line)?;
            let (key, rest) = line.split_at_checked(colon)?;
            if key.contains(" #") {
                return None;
            }
            (key.trim_end().to_owned(), rest)
        }
    };
    let behind = rest.trim_start().strip_prefix(':')?;
    let ends = behind.is_empty() || behind.starts_with([' ', '\t']);
    ends.then(|| (key, at + line.len() - behind.len()))
}

/// The first colon that a blank or the end of the line follows.
fn colon(line: &str) -> Option<usize> {
    let bytes = line.as_bytes();
    let ends = |at: usize| matches!(bytes.get(at + 1), None | Some(b' ' | b'\t'));
    line.bytes().enumerate().position(|(at, byte)| byte == b':' && ends(at))
}

/// The length of a quoted scalar at the start of the text, quotes included.
fn quoted_length(text: &str, quote: u8) -> Option<usize> {
    let bytes = text.as_bytes();
    let mut at = 1;
    loop {
        match bytes.get(at)? {
            b'\\' if quote == b'"' => at += 2,
            b'\'' if quote == b'\'' && bytes.get(at + 1) == Some(&b'\'') => at += 2,
            byte if *byte == quote => return Some(at + 1),
            _ => at += 1,
        }
    }
}

pub(super) fn unquote(quoted: &str) -> Option<String> {
    serde_yaml::from_str(quoted).ok()
}

impl Scanner<'_> {
    /// A scalar or flow collection at the current byte, below a key or dash at the column `parent`.
    pub(super) fn leaf(&mut self, parent: Option<usize>) -> Block {
        let start = self.pos;
        let kind = match self.byte(start) {
            Some(quote @ (b'"' | b'\'')) => {
                self.skip_quoted(quote);
                Kind::Scalar(if quote == b'"' { Style::Double } else { Style::Single })
            }
            Some(b'[' | b'{') => return self.flow(),
            Some(b'|' | b'>') => {
                self.skip_block_scalar(parent);
                Kind::Scalar(Style::Block)
            }
            Some(byte @ (b'&' | b'*' | b'!')) => {
                self.refuse_property(byte);
                return self.value(parent, parent.is_some());
            }
            _ => {
                if self.byte(start) == Some(b'?') && self.is_break_or_blank(start + 1) {
                    self.refuse(start, "complex key (`? `); expected `key: value`");
                }
                self.skip_plain(parent);
                Kind::Scalar(Style::Plain)
            }
        };
        Block { span: start..self.pos, kind }
    }

    pub(super) fn refuse_property(&mut self, byte: u8) {
        let start = self.pos;
        while !self.is_break_or_blank(self.pos) {
            self.pos += 1;
        }
        let token = self.text.get(start..self.pos).unwrap_or_default();
        let kind = match byte {
            b'&' => "anchor",
            b'*' => "alias",
            _ => "tag",
        };
        self.refuse(start, format!("{kind} `{token}`; expected the value itself"));
    }

    pub(super) fn skip_quoted(&mut self, quote: u8) {
        let length = self.text.get(self.pos..).and_then(|rest| quoted_length(rest, quote));
        self.pos = length.map_or(self.text.len(), |length| self.pos + length);
    }

    /// The first line up to a comment, then every line that is indented deeper than the parent.
    fn skip_plain(&mut self, parent: Option<usize>) {
        let mut line = self.pos;
        loop {
            let end = line_end(self.text, line);
            let content = self.text.get(line..end).unwrap_or_default();
            let comment = [" #", "\t#"].iter().filter_map(|mark| content.find(mark)).min();
            let kept = content.get(..comment.unwrap_or(content.len())).unwrap_or_default();
            self.pos = line + kept.trim_end().len();
            if comment.is_some() {
                return;
            }
            let Some(next) = self.continuation(end, parent) else {
                return;
            };
            line = next;
        }
    }

    /// Where a plain scalar goes on below the line that ends here.
    fn continuation(&self, end: usize, parent: Option<usize>) -> Option<usize> {
        let mut line = next_line(self.text, end);
        loop {
            let content = self.text.get(line..line_end(self.text, line))?;
            let spaces = content.len() - content.trim_start_matches(' ').len();
            let word = content.trim();
            if word.is_empty() && line < self.text.len() {
                line = next_line(self.text, line);
                continue;
            }
            let deeper = parent.is_none_or(|parent| spaces > parent);
            let ends = word.is_empty() || word.starts_with('#') || !deeper || self.at_marker(line);
            return (!ends).then_some(line + spaces);
        }
    }

    /// `|` or `>`: the header line, then blank lines and lines indented as deep as the first.
    fn skip_block_scalar(&mut self, parent: Option<usize>) {
        let header_end = line_end(self.text, self.pos);
        let header = self.text.get(self.pos..header_end).unwrap_or_default();
        let indicators = header.split([' ', '\t']).next().unwrap_or_default();
        let keep = indicators.contains('+');
        let given = indicators.bytes().find(u8::is_ascii_digit).map(|digit| usize::from(digit - b'0'));
        let mut indent = given.map(|given| parent.unwrap_or(0) + given);
        self.pos += indicators.len();
        let header_stop = self.pos;
        self.skip_blanks();
        self.take_comment(false);
        let mut end = if self.pos == header_end { header_end } else { header_stop };
        let mut line = next_line(self.text, header_end);
        while line < self.text.len() {
            let content_end = line_end(self.text, line);
            let content = self.text.get(line..content_end).unwrap_or_default();
            let spaces = content.len() - content.trim_start_matches(' ').len();
            if spaces == content.len() {
                end = if keep { content_end } else { end };
            } else {
                let floor = parent.map_or(0, |parent| parent + 1);
                let wanted = *indent.get_or_insert(spaces.max(floor));
                if spaces < wanted {
                    break;
                }
                end = content_end;
            }
            line = next_line(self.text, line);
        }
        self.pos = end;
    }
}
