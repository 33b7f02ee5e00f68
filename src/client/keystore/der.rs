//! DER, the encoding of keys, certificates and PKCS#12: a reader that only ever goes forward through bytes that are there.
//!
//! Source: ITU-T X.690. Lengths are definite, as DER demands; nothing is nested deeper than its caller asks for.

use super::Unreadable;

pub(super) const INTEGER: u8 = 0x02;
pub(super) const BITS: u8 = 0x03;
pub(super) const OCTETS: u8 = 0x04;
pub(super) const OBJECT_IDENTIFIER: u8 = 0x06;
pub(super) const SEQUENCE: u8 = 0x30;
pub(super) const SET: u8 = 0x31;
/// `[0]`, constructed: what is explicitly tagged.
pub(super) const EXPLICIT_0: u8 = 0xA0;
/// `[1]`, constructed.
pub(super) const EXPLICIT_1: u8 = 0xA1;
/// `[0]`, primitive: what is implicitly tagged.
pub(super) const IMPLICIT_0: u8 = 0x80;

/// What has not been read yet.
#[derive(Debug, Clone, Copy)]
pub(super) struct Der<'a>(pub(super) &'a [u8]);

impl<'a> Der<'a> {
    pub(super) fn is_empty(self) -> bool {
        self.0.is_empty()
    }

    /// The next element's tag, if there is one.
    pub(super) fn tag(self) -> Option<u8> {
        self.0.first().copied()
    }

    /// The next element: its tag and its content.
    pub(super) fn next(&mut self) -> Result<(u8, &'a [u8]), Unreadable> {
        let (tag, rest) = self.0.split_first().ok_or(SHORT)?;
        let (length, rest) = length(rest)?;
        let (content, rest) = rest.split_at_checked(length).ok_or(SHORT)?;
        self.0 = rest;
        Ok((*tag, content))
    }

    /// The content of the next element, which must have this tag.
    pub(super) fn take(&mut self, tag: u8) -> Result<&'a [u8], Unreadable> {
        match self.next()? {
            (found, content) if found == tag => Ok(content),
            _ => Err(Unreadable::Strange("an element of another kind than its place has")),
        }
    }

    /// What is in the next element, which must have this tag.
    pub(super) fn inside(&mut self, tag: u8) -> Result<Der<'a>, Unreadable> {
        self.take(tag).map(Der)
    }

    /// The next element with its tag and length.
    pub(super) fn whole(&mut self) -> Result<&'a [u8], Unreadable> {
        let before = self.0;
        self.next()?;
        Ok(before.get(..before.len() - self.0.len()).unwrap_or_default())
    }

    /// A number that is not negative and fits.
    pub(super) fn number(&mut self) -> Result<u32, Unreadable> {
        let bytes = self.take(INTEGER)?;
        let significant = bytes.strip_prefix(&[0]).unwrap_or(bytes);
        if bytes.is_empty() || bytes.first().is_some_and(|first| first & 0x80 != 0) || significant.len() > 4 {
            return Err(Unreadable::Strange("a number out of range"));
        }
        Ok(significant.iter().fold(0, |number, byte| number << 8 | u32::from(*byte)))
    }
}

const SHORT: Unreadable = Unreadable::Strange("it ends too early");

fn length(bytes: &[u8]) -> Result<(usize, &[u8]), Unreadable> {
    let (first, rest) = bytes.split_first().ok_or(SHORT)?;
    match first {
        0x80 => Err(Unreadable::Unknown("an element without a length (BER)".to_owned())),
        0..0x80 => Ok((usize::from(*first), rest)),
        _ => {
            let (digits, rest) = rest.split_at_checked(usize::from(first & 0x7F)).ok_or(SHORT)?;
            if digits.len() > 4 {
                return Err(SHORT);
            }
            Ok((digits.iter().fold(0, |length, byte| length << 8 | usize::from(*byte)), rest))
        }
    }
}

/// An element of this tag and content.
pub(super) fn element(tag: u8, content: &[u8]) -> Vec<u8> {
    let length = content.len().to_be_bytes();
    let digits = length.iter().position(|byte| *byte != 0).and_then(|first| length.get(first..)).unwrap_or_default();
    let mut element = vec![tag];
    match digits {
        [] => element.push(0),
        [only @ 0..0x80] => element.push(*only),
        _ => {
            element.push(0x80 | u8::try_from(digits.len()).unwrap_or_default());
            element.extend(digits);
        }
    }
    element.extend(content);
    element
}

/// An object identifier in figures and dots, for what is told.
pub(super) fn dotted(identifier: &[u8]) -> String {
    let mut text = String::new();
    let mut number: u64 = 0;
    for byte in identifier.iter().take(32) {
        number = number << 7 | u64::from(byte & 0x7F);
        if byte & 0x80 == 0 {
            if text.is_empty() {
                let first = (number / 40).min(2);
                text = format!("{first}.{}", number - first * 40);
            } else {
                text = format!("{text}.{number}");
            }
            number = 0;
        }
    }
    text
}
