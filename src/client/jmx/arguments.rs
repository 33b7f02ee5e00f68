//! What every call has for arguments: texts and names, as `ObjectOutputStream` would write them.

use super::stream::tag;

/// A `javax.management.ObjectName`, which writes its canonical name itself.
pub(super) fn object_name(name: &str) -> Vec<u8> {
    let mut object = vec![tag::OBJECT, tag::CLASS_DESCRIPTION];
    put_utf(&mut object, "javax.management.ObjectName");
    object.extend(1_081_892_073_854_801_359_i64.to_be_bytes());
    // Serializable with a method of its own, no fields, no codebase, no parent.
    object.extend([0x03, 0, 0, tag::NULL, tag::END, tag::NULL]);
    put_text(&mut object, name);
    object.push(tag::END);
    object
}

pub(super) fn put_text(bytes: &mut Vec<u8>, text: &str) {
    bytes.push(tag::STRING);
    put_utf(bytes, text);
}

/// A text with its length in two bytes; what is longer is cut, as nothing that we send comes near.
pub(super) fn put_utf(bytes: &mut Vec<u8>, text: &str) {
    let text = text.as_bytes().get(..usize::from(u16::MAX)).unwrap_or(text.as_bytes());
    bytes.extend(u16::try_from(text.len()).unwrap_or(u16::MAX).to_be_bytes());
    bytes.extend(text);
}
