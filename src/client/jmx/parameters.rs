//! What operations take: texts, as `RMIConnection.invoke` carries them.
//!
//! Source: `ObjectOutputStream` and `java.rmi.MarshalledObject` of the JDK.

use super::arguments::{put_text, put_utf};
use super::stream::{self, tag};

/// The class of an array: serializable, no fields, no codebase, no parent.
fn array(bytes: &mut Vec<u8>, class: &str, serial_version: u64, length: usize) {
    bytes.extend([tag::ARRAY, tag::CLASS_DESCRIPTION]);
    put_utf(bytes, class);
    bytes.extend(serial_version.to_be_bytes());
    bytes.extend([0x02, 0, 0, tag::NULL, tag::END, tag::NULL]);
    bytes.extend(u32::try_from(length).unwrap_or(u32::MAX).to_be_bytes());
}

/// A `String[]`.
pub(super) fn texts(texts: &[&str]) -> Vec<u8> {
    let mut bytes = Vec::new();
    array(&mut bytes, "[Ljava.lang.String;", 0xADD2_56E7_E91D_7B47, texts.len());
    for text in texts {
        put_text(&mut bytes, text);
    }
    bytes
}

/// The parameters of an operation that takes texts, any of which may be null, and its signature.
pub(super) fn of_operation(parameters: &[Option<&str>]) -> Vec<u8> {
    let mut bytes = marshalled(&objects(parameters));
    // Its classes come after those of the parameters, and all are written in full.
    bytes.extend(texts(&vec!["java.lang.String"; parameters.len()]));
    bytes
}

/// An `Object[]` in a stream of its own, where nobody says where classes come from.
fn objects(parameters: &[Option<&str>]) -> Vec<u8> {
    let mut bytes = stream::HEADER.to_vec();
    bytes.extend([tag::ARRAY, tag::CLASS_DESCRIPTION]);
    put_utf(&mut bytes, "[Ljava.lang.Object;");
    bytes.extend(0x90CE_589F_1073_296C_u64.to_be_bytes());
    bytes.extend([0x02, 0, 0, tag::END, tag::NULL]);
    bytes.extend(u32::try_from(parameters.len()).unwrap_or(u32::MAX).to_be_bytes());
    for parameter in parameters {
        match parameter {
            Some(text) => put_text(&mut bytes, text),
            None => bytes.push(tag::NULL),
        }
    }
    bytes
}

/// A `java.rmi.MarshalledObject` of a stream: its hash, which nobody checks, no places of classes, the stream's bytes.
fn marshalled(stream: &[u8]) -> Vec<u8> {
    let mut bytes = vec![tag::OBJECT, tag::CLASS_DESCRIPTION];
    put_utf(&mut bytes, "java.rmi.MarshalledObject");
    bytes.extend(8_988_374_069_173_025_854_i64.to_be_bytes());
    bytes.extend([0x02, 0, 3]);
    for (kind, name) in [(b'I', "hash"), (b'[', "locBytes"), (b'[', "objBytes")] {
        bytes.push(kind);
        put_utf(&mut bytes, name);
        if kind == b'[' {
            put_text(&mut bytes, "[B");
        }
    }
    bytes.extend([tag::NULL, tag::END, tag::NULL]);
    bytes.extend([0; 4]);
    bytes.push(tag::NULL);
    array(&mut bytes, "[B", 0xACF3_17F8_0608_54E0, stream.len());
    bytes.extend(stream);
    bytes
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::client::jmx::stream::{Broken, Object, Reader, Source, Value};

    struct Bytes(std::vec::IntoIter<u8>);

    impl Source for Bytes {
        type Error = Broken;

        fn fill(&mut self, buffer: &mut [u8]) -> Result<(), Broken> {
            for slot in buffer {
                *slot = self.0.next().ok_or(Broken::Reference)?;
            }
            Ok(())
        }
    }

    fn read(bytes: Vec<u8>) -> (Value, Vec<u8>) {
        let mut reader = Reader::new(Bytes(bytes.into_iter()), 1000);
        let value = reader.value().unwrap();
        (value, reader.into_source().0.collect())
    }

    #[test]
    fn parameters_are_an_object_array_in_a_marshalled_object_and_their_types_follow() {
        let (value, rest) = read(of_operation(&[Some("k8s"), None]));
        let Value::Object(object @ Object { .. }) = value else { panic!("an object") };
        assert_eq!(object.class, "java.rmi.MarshalledObject");
        assert_eq!(object.field("locBytes"), Some(&Value::Null));
        let Some(Value::Array(inner)) = object.field("objBytes") else { panic!("bytes") };
        let byte = |value: &Value| if let Value::Integer(byte) = value { byte.to_be_bytes()[7] } else { panic!() };
        let inner: Vec<u8> = inner.iter().map(byte).collect();
        assert_eq!(inner[..4], stream::HEADER);
        assert_eq!(read(inner[4..].to_vec()), (Value::Array(vec![Value::Text("k8s".into()), Value::Null]), Vec::new()));
        assert_eq!(read(rest).0, Value::Array(vec![Value::Text("java.lang.String".into()); 2]));
    }
}
