//! Scanning of what is inside brackets: `[a, b]`, `{a: 1}`.

use std::collections::HashMap;

use super::layout::{Block, Entry, Flow, Item, Kind};
use super::leaf;
use super::scalar::Style;
use super::scan::{MAX_DEPTH, Scanner};

impl Scanner<'_> {
    /// A collection from its opening bracket, at the current byte, to its partner; comments inside are taken.
    pub(super) fn flow(&mut self) -> Block {
        let start = self.pos;
        let map = self.byte(start) == Some(b'{');
        if self.depth == MAX_DEPTH {
            self.refuse(start, "nesting too deep");
            self.pos = self.text.len();
            return Block { span: start..start, kind: Kind::Empty };
        }
        self.depth += 1;
        self.pos += 1;
        let flow = if map { Flow::Map(self.flow_entries()) } else { Flow::List(self.flow_items()) };
        self.depth -= 1;
        Block { span: start..self.pos, kind: Kind::Flow(flow) }
    }

    fn flow_items(&mut self) -> Vec<Item> {
        let mut items = Vec::new();
        while self.next_in_flow() {
            let start = self.pos;
            let mut value = self.flow_node();
            if let Some(colon) = self.colon_in_flow(&value) {
                let key = self.flow_key(&value);
                let entry = self.flow_entry(key, start, colon);
                let end = entry.value.span.end.max(colon);
                value = Block { span: start..end, kind: Kind::Flow(Flow::Pair(vec![entry])) };
            }
            items.push(Item { start, value });
        }
        items
    }

    fn flow_entries(&mut self) -> Vec<Entry> {
        let mut entries: Vec<Entry> = Vec::new();
        let mut seen = HashMap::new();
        while self.next_in_flow() {
            let start = self.pos;
            let key = self.flow_node();
            let name = self.flow_key(&key);
            self.check_key(&name, start, &mut seen);
            let entry = if let Some(colon) = self.colon_in_flow(&key) {
                self.flow_entry(name, start, colon)
            } else {
                let end = key.span.end;
                Entry { key: name, start, colon: end, value: Block { span: end..end, kind: Kind::Empty } }
            };
            entries.push(entry);
        }
        entries
    }

    /// The value behind a colon, which may be none.
    fn flow_entry(&mut self, key: String, start: usize, colon: usize) -> Entry {
        self.pos = colon;
        self.skip_in_flow();
        let value = if matches!(self.byte(self.pos), None | Some(b',' | b']' | b'}')) {
            Block { span: colon..colon, kind: Kind::Empty }
        } else {
            self.flow_node()
        };
        Entry { key, start, colon, value }
    }

    fn flow_key(&self, block: &Block) -> String {
        let raw = self.text.get(block.span.clone()).unwrap_or_default();
        match block.kind {
            Kind::Scalar(Style::Single | Style::Double) => leaf::unquote(raw).unwrap_or_default(),
            _ => raw.to_owned(),
        }
    }

    /// Goes to the next item; false behind the closing bracket or at the end of the text.
    fn next_in_flow(&mut self) -> bool {
        loop {
            self.skip_in_flow();
            match self.byte(self.pos) {
                None => return false,
                Some(b']' | b'}') => {
                    self.pos += 1;
                    return false;
                }
                Some(b',') => self.pos += 1,
                Some(_) => return true,
            }
        }
    }

    fn skip_in_flow(&mut self) {
        loop {
            match self.byte(self.pos) {
                Some(b' ' | b'\t' | b'\r' | b'\n') => self.pos += 1,
                Some(b'#') if self.is_break_or_blank(self.pos.saturating_sub(1)) => self.take_comment(false),
                _ => return,
            }
        }
    }

    /// The place behind the colon that makes a key of what was just read.
    fn colon_in_flow(&mut self, key: &Block) -> Option<usize> {
        let end = self.pos;
        self.skip_blanks();
        let at = self.pos;
        let quoted = matches!(key.kind, Kind::Scalar(Style::Single | Style::Double) | Kind::Flow(_));
        let is_key = self.byte(at) == Some(b':') && (quoted || self.ends_plain(at + 1));
        if !is_key {
            self.pos = end;
        }
        is_key.then_some(at + 1)
    }

    /// True at what ends a plain scalar behind a colon.
    fn ends_plain(&self, at: usize) -> bool {
        self.is_break_or_blank(at) || matches!(self.byte(at), Some(b',' | b'[' | b']' | b'{' | b'}'))
    }

    fn flow_node(&mut self) -> Block {
        let start = self.pos;
        let style = match self.byte(start) {
            Some(b'[' | b'{') => return self.flow(),
            Some(quote @ (b'"' | b'\'')) => {
                self.skip_quoted(quote);
                if quote == b'"' { Style::Double } else { Style::Single }
            }
            Some(byte @ (b'&' | b'*' | b'!')) => {
                self.refuse_property(byte);
                Style::Plain
            }
            byte => {
                if byte == Some(b'?') && self.is_break_or_blank(start + 1) {
                    self.refuse(start, "complex key (`? `); expected `key: value`");
                }
                self.skip_plain_in_flow();
                Style::Plain
            }
        };
        Block { span: start..self.pos, kind: Kind::Scalar(style) }
    }

    /// A plain scalar, over several lines if it is written so; at least one byte.
    fn skip_plain_in_flow(&mut self) {
        let mut at = self.pos;
        let mut end = at;
        while let Some(byte) = self.byte(at) {
            let stops = match byte {
                b',' | b'[' | b']' | b'{' | b'}' => true,
                b':' => self.ends_plain(at + 1),
                b'#' => self.is_break_or_blank(at.saturating_sub(1)),
                _ => false,
            };
            if stops {
                break;
            }
            at += 1;
            if !byte.is_ascii_whitespace() {
                end = at;
            }
        }
        // A character that can begin nothing is no YAML, as the parser says; here it must only not stop the scan.
        let one = self.text.get(self.pos..).and_then(|rest| rest.chars().next()).map_or(0, char::len_utf8);
        self.pos = end.max(self.pos + one);
    }
}
