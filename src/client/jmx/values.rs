//! What Java's objects mean: boxes, collections, addresses and open data of an answer as values of ours.
//!
//! A class is known by its name and by what its `writeObject` leaves in the stream. What is not known here is
//! [`Value::Other`], which no caller takes for an answer.

use std::net::{IpAddr, Ipv4Addr, Ipv6Addr};

use super::Value;
use super::jrmp::MOST;
use super::stream::{Broken, HEADER, Object, Reader, Source, Value as Wire};

/// How a class holds what it holds.
enum Form {
    /// Elements, behind a block with their number.
    Elements,
    /// Keys and values in turn, behind a block with their number.
    Pairs,
    /// In this field, which holds a collection or an array.
    Inside(&'static str),
    /// This field is the only element.
    Only(&'static str),
}

/// The collections that attributes of Cassandra and of the JVM are made of, of the JDK and of Guava.
const COLLECTIONS: &[(&str, Form)] = &[
    ("java.util.ArrayList", Form::Elements),
    ("java.util.LinkedList", Form::Elements),
    ("java.util.HashSet", Form::Elements),
    ("java.util.LinkedHashSet", Form::Elements),
    ("java.util.concurrent.CopyOnWriteArrayList", Form::Elements),
    ("java.util.HashMap", Form::Pairs),
    ("java.util.LinkedHashMap", Form::Pairs),
    ("java.util.TreeMap", Form::Pairs),
    ("java.util.concurrent.ConcurrentHashMap", Form::Pairs),
    ("java.util.Collections$EmptyList", Form::Elements),
    ("java.util.Collections$EmptySet", Form::Elements),
    ("java.util.Collections$EmptyMap", Form::Pairs),
    ("java.util.Collections$SingletonList", Form::Only("element")),
    ("java.util.Collections$SingletonSet", Form::Only("element")),
    ("java.util.Collections$UnmodifiableCollection", Form::Inside("c")),
    ("java.util.Collections$UnmodifiableList", Form::Inside("c")),
    ("java.util.Collections$UnmodifiableRandomAccessList", Form::Inside("c")),
    ("java.util.Collections$UnmodifiableSet", Form::Inside("c")),
    ("java.util.Collections$UnmodifiableMap", Form::Inside("m")),
    ("java.util.Arrays$ArrayList", Form::Inside("a")),
    ("com.google.common.collect.ImmutableList$SerializedForm", Form::Inside("elements")),
    ("com.google.common.collect.ImmutableSet$SerializedForm", Form::Inside("elements")),
    ("javax.management.openmbean.CompositeDataSupport", Form::Inside("contents")),
];

/// `List.of`, `Set.of` and `Map.of` of Java 9 and later, and which of them it is.
const IMMUTABLE: &str = "java.util.CollSer";
const IMMUTABLE_MAP: i64 = 3;

/// Bytes that are all there.
struct Bytes<'a>(&'a [u8]);

impl Source for Bytes<'_> {
    type Error = Broken;

    fn fill(&mut self, buffer: &mut [u8]) -> Result<(), Broken> {
        let (bytes, rest) = self.0.split_at_checked(buffer.len()).ok_or(Broken::Short)?;
        buffer.copy_from_slice(bytes);
        self.0 = rest;
        Ok(())
    }
}

/// Reads what an `ObjectOutputStream` wrote: its first value; none where it is not to be read, or holds too much.
pub fn read_stream(bytes: &[u8]) -> Option<Value> {
    let bytes = bytes.strip_prefix(&HEADER)?;
    Reader::new(Bytes(bytes), MOST).value().ok().map(|value| plain(&value))
}

/// Classes whose object is one value, under the name `value`: they may come again by reference.
pub(super) fn is_box(class: &str) -> bool {
    class.strip_prefix("java.lang.").is_some_and(|name| {
        matches!(name, "Boolean" | "Byte" | "Character" | "Double" | "Float" | "Integer" | "Long" | "Short")
    })
}

/// A Java value as one of ours.
pub(super) fn plain(value: &Wire) -> Value {
    match value {
        Wire::Text(text) | Wire::Constant(text) => Value::Text(text.clone()),
        Wire::Boolean(truth) => Value::Boolean(*truth),
        Wire::Integer(number) => Value::Integer(*number),
        Wire::Number(number) => Value::Number(*number),
        Wire::Array(items) => Value::List(items.iter().map(plain).collect()),
        Wire::Object(object) => of_object(object),
        _ => Value::Other,
    }
}

fn of_object(object: &Object) -> Value {
    if is_box(&object.class) {
        return object.field("value").map_or(Value::Other, plain);
    }
    if object.class.starts_with("java.net.Inet") {
        return address(object).map_or(Value::Other, |address| Value::Text(address.to_string()));
    }
    if object.class == IMMUTABLE {
        let is_map = object.field("tag") == Some(&Wire::Integer(IMMUTABLE_MAP));
        return if is_map { pairs(object) } else { elements(object) };
    }
    match COLLECTIONS.iter().find(|(class, _)| *class == object.class) {
        Some((_, Form::Elements)) => elements(object),
        Some((_, Form::Pairs)) => pairs(object),
        Some((_, Form::Inside(field))) => object.field(field).map_or(Value::Other, plain),
        Some((_, Form::Only(field))) => Value::List(object.field(field).map(plain).into_iter().collect()),
        None => Value::Other,
    }
}

/// What stands beside the fields, without the blocks of primitive data.
fn annotations(object: &Object) -> impl Iterator<Item = &Wire> {
    object.annotations.iter().filter(|value| !matches!(value, Wire::Block(_)))
}

fn elements(object: &Object) -> Value {
    Value::List(annotations(object).map(plain).collect())
}

/// A concurrent map ends with a key that is null.
fn pairs(object: &Object) -> Value {
    let mut entries = Vec::new();
    let mut values = annotations(object);
    while let (Some(key), Some(value)) = (values.next(), values.next()) {
        if *key == Wire::Null {
            break;
        }
        entries.push((plain(key), plain(value)));
    }
    Value::Map(entries)
}

/// `InetAddress` writes an IPv4 address as a number, `Inet6Address` its bytes.
fn address(object: &Object) -> Option<IpAddr> {
    match (object.field("ipaddress"), object.field("address")) {
        (Some(Wire::Array(bytes)), _) => {
            let byte = |value: &Wire| if let Wire::Integer(byte) = value { i8::try_from(*byte).ok() } else { None };
            let bytes: Vec<u8> = bytes.iter().map(|value| byte(value).map(i8::cast_unsigned)).collect::<Option<_>>()?;
            Some(IpAddr::V6(Ipv6Addr::from(<[u8; 16]>::try_from(bytes).ok()?)))
        }
        (_, Some(Wire::Integer(number))) => {
            Some(IpAddr::V4(Ipv4Addr::from_bits(i32::try_from(*number).ok()?.cast_unsigned())))
        }
        _ => None,
    }
}

/// The exception that an operation threw, of the one that a JMX server wraps it in.
pub(super) fn thrown(exception: &Object) -> &Object {
    let wraps = ["javax.management.RuntimeMBeanException", "javax.management.MBeanException"];
    let field = |name| match exception.field(name) {
        Some(Wire::Object(inner)) if wraps.contains(&exception.class.as_str()) => Some(inner),
        _ => None,
    };
    field("runtimeException").or_else(|| field("exception")).unwrap_or(exception)
}

#[cfg(test)]
mod tests {
    use super::*;

    fn object(class: &str, fields: &[(&str, Wire)], annotations: &[Wire]) -> Wire {
        Wire::Object(Object {
            class: class.into(),
            fields: fields.iter().map(|(name, value)| ((*name).to_owned(), value.clone())).collect(),
            annotations: annotations.to_vec(),
        })
    }

    fn text(text: &str) -> Wire {
        Wire::Text(text.into())
    }

    #[test]
    fn lists_and_maps_have_what_was_put_into_them() {
        let block = || Wire::Block(vec![0, 0, 0, 2]);
        let list = object("java.util.ArrayList", &[("size", Wire::Integer(2))], &[block(), text("a"), text("b")]);
        let expected = Value::List(vec![Value::Text("a".into()), Value::Text("b".into())]);
        assert_eq!(plain(&list), expected);
        // The inner list stands under the name of the topmost class; the next field refers to it.
        let class = "java.util.Collections$UnmodifiableRandomAccessList";
        assert_eq!(plain(&object(class, &[("c", list), ("list", Wire::Earlier)], &[])), expected);
        let float = object("java.lang.Float", &[("value", Wire::Number(0.5))], &[]);
        let map = object("java.util.LinkedHashMap", &[], &[block(), text("a"), float]);
        assert_eq!(plain(&map), Value::Map(vec![(Value::Text("a".into()), Value::Number(0.5))]));
        let concurrent = "java.util.concurrent.ConcurrentHashMap";
        let map = object(concurrent, &[], &[text("a"), Wire::Integer(1), Wire::Null, Wire::Null]);
        assert_eq!(plain(&map), Value::Map(vec![(Value::Text("a".into()), Value::Integer(1))]));
    }

    #[test]
    fn open_data_is_a_map_of_its_contents() {
        let long = object("java.lang.Long", &[("value", Wire::Integer(7))], &[]);
        let contents = object("java.util.TreeMap", &[("comparator", Wire::Null)], &[text("used"), long]);
        let data = object("javax.management.openmbean.CompositeDataSupport", &[("contents", contents)], &[]);
        assert_eq!(plain(&data), Value::Map(vec![(Value::Text("used".into()), Value::Integer(7))]));
    }

    /// What Java 17 wrote (fuzz/corpus/java_values).
    #[test]
    fn what_java_writes_is_read() {
        let read = |name: &str| {
            let folder = concat!(env!("CARGO_MANIFEST_DIR"), "/fuzz/corpus/java_values/");
            read_stream(&std::fs::read(format!("{folder}{name}")).unwrap()).unwrap()
        };
        let text = |text: &str| Value::Text(text.into());
        let Value::Map(heap) = read("heap") else { panic!("open data") };
        let names: Vec<&Value> = heap.iter().map(|(name, _)| name).collect();
        assert_eq!(names, [&text("committed"), &text("init"), &text("max"), &text("used")]);
        assert!(heap.iter().all(|(_, bytes)| matches!(bytes, Value::Integer(bytes) if *bytes > 0)));
        assert!(matches!(read("streams"), Value::List(streams) if matches!(&streams[..], [Value::Map(_)])));
        assert_eq!(read("nodes"), Value::List(vec![text("10.0.0.1:7000"), text("10.0.0.2:7000")]));
        assert_eq!(read("immutable"), Value::List(vec![text("a"), text("b"), text("c")]));
        assert_eq!(read("unmodifiable"), Value::List(vec![text("x")]));
        assert_eq!(read("empty"), Value::List(Vec::new()));
        assert_eq!(read("map_of"), Value::Map(vec![(text("a"), Value::Integer(1))]));
        assert_eq!(read("concurrent"), Value::Map(vec![(text("k"), text("v"))]));
        let half = |address: &str| (text(address), Value::Number(0.5));
        assert_eq!(read("ownership"), Value::Map(vec![half("10.0.0.1"), half("fd00::1")]));
        let Value::List(boxes) = read("boxes") else { panic!("a list") };
        let (one, truth) = (Value::Integer(1), Value::Boolean(true));
        assert_eq!(boxes[..5], [one.clone(), one, Value::Integer(2), truth.clone(), truth]);
        assert_eq!(boxes[5..], [Value::Number(3.5), Value::Integer(i64::from(b'c')), text("NEW")]);
        let Value::Map(tokens) = read("tokens") else { panic!("a map") };
        assert_eq!(tokens[2].1, text("10.0.0.0:7000"), "a text that comes again");
    }

    #[test]
    fn addresses_are_texts() {
        let four = object("java.net.InetAddress", &[("address", Wire::Integer(-1_062_731_775))], &[]);
        assert_eq!(plain(&four), Value::Text("192.168.0.1".into()));
        let mut bytes = vec![Wire::Integer(0); 16];
        (bytes[0], bytes[15]) = (Wire::Integer(-3), Wire::Integer(1));
        let six = object("java.net.Inet6Address", &[("ipaddress", Wire::Array(bytes.clone()))], &[]);
        assert_eq!(plain(&six), Value::Text("fd00::1".into()));
        bytes.pop();
        assert_eq!(plain(&object("java.net.Inet6Address", &[("ipaddress", Wire::Array(bytes))], &[])), Value::Other);
    }

    #[test]
    fn what_is_not_known_is_no_answer() {
        assert_eq!(plain(&object("org.example.Ring", &[("value", Wire::Integer(1))], &[])), Value::Other);
        assert_eq!(plain(&Wire::Null), Value::Other);
    }

    #[test]
    fn the_exception_of_an_operation_comes_out_of_its_wrapping() {
        let inner = object("java.lang.IllegalStateException", &[("detailMessage", text("no"))], &[]);
        let fields = [("detailMessage", text("wrapped")), ("runtimeException", inner)];
        let Wire::Object(outer) = object("javax.management.RuntimeMBeanException", &fields, &[]) else { panic!() };
        assert_eq!(thrown(&outer).class, "java.lang.IllegalStateException");
        let Wire::Object(other) = object("org.example.Odd", &fields, &[]) else { panic!() };
        assert_eq!(thrown(&other).class, "org.example.Odd");
    }
}
