//! What is read of a stream that somebody else wrote, hostile or not.

use super::*;

/// Bytes that are followed by zeros without end: a reader must stop by itself.
struct Bytes<'a>(&'a [u8]);

impl Source for Bytes<'_> {
    type Error = Broken;

    fn fill(&mut self, buffer: &mut [u8]) -> Result<(), Broken> {
        for slot in buffer {
            let (byte, rest) = self.0.split_first().unwrap_or((&0, &[]));
            *slot = *byte;
            self.0 = rest;
        }
        Ok(())
    }
}

fn read(bytes: &[u8]) -> Result<Value, Broken> {
    Reader::new(Bytes(bytes), 20_000).value()
}

/// `java.lang.Boolean.TRUE` as `ObjectOutputStream` writes it.
const TRUE: &[u8] =
    b"\x73\x72\x00\x11java.lang.Boolean\xcd\x20\x72\x80\xd5\x9c\xfa\xee\x02\x00\x01Z\x00\x05valuexp\x01";

#[test]
fn an_object_has_the_values_of_its_fields() {
    let Value::Object(object) = read(TRUE).unwrap() else { panic!("an object") };
    assert_eq!(object.class, "java.lang.Boolean");
    assert_eq!(object.field("value"), Some(&Value::Boolean(true)));
}

#[test]
fn texts_and_nothing_are_read_as_they_are() {
    assert_eq!(read(b"\x74\x00\x06NORMAL"), Ok(Value::Text("NORMAL".into())));
    assert_eq!(read(b"\x70"), Ok(Value::Null));
}

#[test]
fn a_box_that_comes_again_has_its_value_again() {
    let class = b"\x75\x72\x00\x13[Ljava.lang.Object;\0\0\0\0\0\0\0\0\x02\x00\x00xp\x00\x00\x00\x02";
    // The handles: the array's class, the array, the class of the box, the box.
    let bytes = [&class[..], TRUE, &[tag::REFERENCE, 0, 0x7E, 0, 3]].concat();
    let Value::Array(items) = read(&bytes).unwrap() else { panic!("an array") };
    assert_eq!(items.len(), 2);
    assert_eq!(items[0], items[1]);
}

#[test]
fn a_stream_that_refers_to_itself_or_says_that_it_is_huge_ends() {
    // A class that extends itself.
    let circular = b"\x73\x72\x00\x01A\0\0\0\0\0\0\0\0\x02\x00\x00\x78\x71\x00\x7e\x00\x00";
    assert_eq!(read(circular), Err(Broken::TooMuch));
    assert_eq!(read(&[0x7C, 0x7F, 0xFF, 0xFF, 0xFF, 0xFF, 0xFF, 0xFF, 0xFF]), Err(Broken::TooMuch));
    assert_eq!(read(&[tag::REFERENCE, 0, 0x7E, 0, 9]), Err(Broken::Reference));
    assert_eq!(read(&[0x42]), Err(Broken::Tag(0x42)));
}

/// An object of a class that calls itself this, with two fields that hold objects.
fn pair(class: &str, first: &[u8], second: &[u8]) -> Vec<u8> {
    let length = u8::try_from(class.len()).unwrap();
    let begin = [&[tag::OBJECT, tag::CLASS_DESCRIPTION, 0, length], class.as_bytes(), &[0; 8], &[0x02, 0, 2]].concat();
    let field = |name: u8| [b'L', 0, 1, name, tag::STRING, 0, 1, b'L'];
    [&begin[..], &field(b'a'), &field(b'b'), &[tag::END, tag::NULL], first, second].concat()
}

/// How many values lie in one.
fn weight(value: &Value) -> usize {
    let Value::Object(object) = value else { return 1 };
    object.fields.iter().map(|(_, value)| weight(value)).sum::<usize>() + 1
}

#[test]
fn what_comes_again_costs_no_more_than_it_says() {
    // Each box holds the one before twice; the handles: the class, two texts, the object.
    let mut bytes = pair("java.lang.Integer", &[tag::NULL], &[tag::NULL]);
    for round in 0..18_u8 {
        let earlier = [tag::REFERENCE, 0, 0x7E, 0, round * 4 + 3];
        bytes.extend(pair("java.lang.Integer", &earlier, &earlier));
    }
    let mut reader = Reader::new(Bytes(&bytes), 20_000);
    let weights: Vec<usize> = (0..19).map(|_| weight(&reader.value().unwrap())).collect();
    assert!(weights.iter().all(|weight| *weight == 3), "{weights:?}");
    // A long text again and again.
    let text = [&[tag::STRING, 0xFF, 0xFF][..], &vec![b'x'; 0xFFFF]].concat();
    let again = [tag::REFERENCE, 0, 0x7E, 0, 2].repeat(20_000 - 1);
    let array = b"\x75\x72\x00\x13[Ljava.lang.Object;\0\0\0\0\0\0\0\0\x02\x00\x00xp\x00\x00\x4e\x20";
    assert_eq!(read(&[&array[..], &text, &again].concat()), Err(Broken::TooMuch));
    // A name that every object of its class would have.
    let long = [&[tag::OBJECT, tag::CLASS_DESCRIPTION, 0xFF, 0xFF][..], &vec![b'x'; 0xFFFF]].concat();
    assert_eq!(read(&long), Err(Broken::TooMuch));
}

proptest::proptest! {
    #[test]
    fn any_bytes_end_in_a_value_or_an_error(bytes: Vec<u8>) {
        let _ = read(&bytes);
    }

    #[test]
    fn a_damaged_object_ends_in_a_value_or_an_error(at in 0..TRUE.len(), byte: u8) {
        let mut bytes = TRUE.to_vec();
        bytes[at] = byte;
        let _ = read(&bytes);
    }
}
