//! Java's object serialization stream, as far as answers of a JMX server need it.
//!
//! Source: Java Object Serialization Specification, chapter 6 (the grammar and its terminal symbols). Everything of the grammar
//! is read, nothing is built: a class is a name and fields, an object the values of them.

use super::values;

/// What begins every stream: magic and version.
pub(super) const HEADER: [u8; 4] = [0xAC, 0xED, 0x00, 0x05];

/// How deep values may lie in one another; no answer comes near it.
const DEEPEST: usize = 64;
/// How long the name of a class or field may be, in bytes: each object has a copy of those of its class.
const LONGEST_NAME: usize = 512;
/// So many bytes count as much as a value: most texts and objects have fewer.
const FREE: usize = 64;

pub(super) mod tag {
    pub(crate) const NULL: u8 = 0x70;
    pub(crate) const REFERENCE: u8 = 0x71;
    pub(crate) const CLASS_DESCRIPTION: u8 = 0x72;
    pub(crate) const OBJECT: u8 = 0x73;
    pub(crate) const STRING: u8 = 0x74;
    pub(crate) const ARRAY: u8 = 0x75;
    pub(crate) const CLASS: u8 = 0x76;
    pub(crate) const BLOCK: u8 = 0x77;
    pub(crate) const END: u8 = 0x78;
    pub(crate) const LONG_BLOCK: u8 = 0x7A;
    pub(crate) const LONG_STRING: u8 = 0x7C;
    pub(crate) const PROXY_DESCRIPTION: u8 = 0x7D;
    pub(crate) const ENUM: u8 = 0x7E;
}

/// Flags of a class description.
mod flag {
    pub(super) const WRITE_METHOD: u8 = 0x01;
    pub(super) const SERIALIZABLE: u8 = 0x02;
    pub(super) const EXTERNALIZABLE: u8 = 0x04;
    pub(super) const BLOCK_DATA: u8 = 0x08;
}

/// The first handle that a stream gives (`ObjectStreamConstants.baseWireHandle`).
const FIRST_HANDLE: u32 = 0x007E_0000;

/// A value of the stream.
#[derive(Debug, Clone, PartialEq)]
pub(super) enum Value {
    Null,
    Boolean(bool),
    /// byte, short, char, int and long.
    Integer(i64),
    Number(f64),
    Text(String),
    /// The name of an enum's constant.
    Constant(String),
    Array(Vec<Value>),
    Object(Object),
    /// Bytes that an object's own `writeObject` put between the values.
    Block(Vec<u8>),
    /// A class or its description.
    Class,
    /// Something that stands earlier in the stream and is not a text.
    Earlier,
}

impl Value {
    /// The bytes of a block.
    pub(super) fn block(&self) -> Option<&[u8]> {
        if let Self::Block(bytes) = self { Some(bytes) } else { None }
    }

    /// The object.
    pub(super) fn object(&self) -> Option<&Object> {
        if let Self::Object(object) = self { Some(object) } else { None }
    }
}

/// An object: its class and, from the topmost class down, the values of its fields and what was written beside them.
#[derive(Debug, Clone, PartialEq)]
pub(super) struct Object {
    pub(super) class: String,
    pub(super) fields: Vec<(String, Value)>,
    pub(super) annotations: Vec<Value>,
}

impl Object {
    /// The value of a field of any of its classes.
    pub(super) fn field(&self, name: &str) -> Option<&Value> {
        self.fields.iter().find(|(known, _)| known == name).map(|(_, value)| value)
    }
}

/// Why a stream cannot be read.
#[derive(Debug, Clone, PartialEq, Eq, thiserror::Error)]
pub(super) enum Broken {
    #[error("a byte 0x{0:02x} where a value begins")]
    Tag(u8),
    #[error("a reference to something that it does not hold")]
    Reference,
    #[error("a field of the type {0:?}")]
    Type(char),
    #[error("it holds too much")]
    TooMuch,
    #[error("it ends too early")]
    Short,
}

/// What a handle stands for.
#[derive(Debug, Clone)]
enum Known {
    Class(usize),
    Text(String),
    /// The value of a box, such as `Integer`, of which the JVM keeps one for all who want a small number.
    Boxed(Box<Value>),
    Other,
}

#[derive(Debug, Clone)]
struct Class {
    name: String,
    flags: u8,
    fields: Vec<(u8, String)>,
    parent: Option<usize>,
}

/// A reader of one stream. It asks its source for bytes only when the grammar says that there are more, so that it can read
/// from a connection that stays open.
pub(super) struct Reader<S> {
    source: S,
    known: Vec<Known>,
    classes: Vec<Class>,
    count: usize,
    most: usize,
}

/// Where a reader's bytes come from.
pub(super) trait Source {
    type Error: From<Broken>;

    /// Fills the whole buffer.
    fn fill(&mut self, buffer: &mut [u8]) -> Result<(), Self::Error>;
}

impl<S: Source> Reader<S> {
    /// A reader behind the stream's header, of at most `most` things: a hostile stream must not cost memory.
    pub(super) fn new(source: S, most: usize) -> Self {
        Self { source, known: Vec::new(), classes: Vec::new(), count: 0, most }
    }

    /// Where it reads from, which may hold more.
    #[cfg(test)]
    pub(super) fn into_source(self) -> S {
        self.source
    }

    fn bytes<const N: usize>(&mut self) -> Result<[u8; N], S::Error> {
        let mut bytes = [0; N];
        self.source.fill(&mut bytes)?;
        Ok(bytes)
    }

    fn byte(&mut self) -> Result<u8, S::Error> {
        Ok(u8::from_be_bytes(self.bytes()?))
    }

    fn many(&mut self, length: usize) -> Result<Vec<u8>, S::Error> {
        self.spend(length / FREE)?;
        let mut bytes = vec![0; length];
        self.source.fill(&mut bytes)?;
        Ok(bytes)
    }

    /// Counts what was read.
    fn spend(&mut self, count: usize) -> Result<(), S::Error> {
        self.count = self.count.saturating_add(count);
        if self.count > self.most { Err(Broken::TooMuch.into()) } else { Ok(()) }
    }

    fn name(&mut self) -> Result<String, S::Error> {
        let name = self.text()?;
        if name.len() > LONGEST_NAME { Err(Broken::TooMuch.into()) } else { Ok(name) }
    }

    fn text(&mut self) -> Result<String, S::Error> {
        let length = usize::from(u16::from_be_bytes(self.bytes()?));
        let bytes = self.many(length)?;
        // Java's "modified UTF-8" differs only for NUL and beyond the basic plane.
        Ok(String::from_utf8_lossy(&bytes).into_owned())
    }

    /// The next value, whatever it is.
    pub(super) fn value(&mut self) -> Result<Value, S::Error> {
        let tag = self.byte()?;
        self.tagged(tag, 0)
    }

    fn nested(&mut self, depth: usize) -> Result<Value, S::Error> {
        let tag = self.byte()?;
        self.tagged(tag, depth + 1)
    }

    fn tagged(&mut self, tag: u8, depth: usize) -> Result<Value, S::Error> {
        self.spend(1)?;
        if depth > DEEPEST {
            return Err(Broken::TooMuch.into());
        }
        Ok(match tag {
            tag::NULL => Value::Null,
            tag::REFERENCE => match self.reference()? {
                Known::Text(text) => {
                    // A few bytes of the stream are all of it again.
                    self.spend(text.len() / FREE)?;
                    Value::Text(text)
                }
                Known::Boxed(value) => *value,
                Known::Class(_) => Value::Class,
                Known::Other => Value::Earlier,
            },
            tag::CLASS_DESCRIPTION | tag::PROXY_DESCRIPTION => {
                self.description(tag, depth)?;
                Value::Class
            }
            tag::CLASS => {
                self.class(depth)?;
                self.known.push(Known::Other);
                Value::Class
            }
            tag::STRING => {
                let text = self.text()?;
                self.known.push(Known::Text(text.clone()));
                Value::Text(text)
            }
            tag::LONG_STRING => {
                let length = usize::try_from(u64::from_be_bytes(self.bytes()?)).unwrap_or(usize::MAX);
                let text = String::from_utf8_lossy(&self.many(length)?).into_owned();
                self.known.push(Known::Text(text.clone()));
                Value::Text(text)
            }
            tag::BLOCK => {
                let length = usize::from(self.byte()?);
                Value::Block(self.many(length)?)
            }
            tag::LONG_BLOCK => {
                let length = u32::from_be_bytes(self.bytes()?) as usize;
                Value::Block(self.many(length)?)
            }
            tag::ARRAY => self.array(depth)?,
            tag::ENUM => {
                self.class(depth)?;
                self.known.push(Known::Other);
                match self.nested(depth)? {
                    Value::Text(name) => Value::Constant(name),
                    other => other,
                }
            }
            tag::OBJECT => self.object(depth)?,
            other => return Err(Broken::Tag(other).into()),
        })
    }

    fn reference(&mut self) -> Result<Known, S::Error> {
        let handle = u32::from_be_bytes(self.bytes()?);
        let at = handle.checked_sub(FIRST_HANDLE).map(|at| at as usize);
        at.and_then(|at| self.known.get(at)).cloned().ok_or_else(|| Broken::Reference.into())
    }

    /// A class description where one is expected: new, earlier or none.
    fn class(&mut self, depth: usize) -> Result<Option<usize>, S::Error> {
        match self.byte()? {
            tag::NULL => Ok(None),
            tag::REFERENCE => match self.reference()? {
                Known::Class(at) => Ok(Some(at)),
                Known::Text(_) | Known::Boxed(_) | Known::Other => Err(Broken::Reference.into()),
            },
            tag @ (tag::CLASS_DESCRIPTION | tag::PROXY_DESCRIPTION) => self.description(tag, depth).map(Some),
            other => Err(Broken::Tag(other).into()),
        }
    }

    fn description(&mut self, tag: u8, depth: usize) -> Result<usize, S::Error> {
        self.spend(1)?;
        if depth > DEEPEST {
            return Err(Broken::TooMuch.into());
        }
        let at = self.classes.len();
        self.classes.push(Class { name: String::new(), flags: flag::SERIALIZABLE, fields: Vec::new(), parent: None });
        let mut class = Class { name: "a proxy".into(), flags: flag::SERIALIZABLE, fields: Vec::new(), parent: None };
        if tag == tag::CLASS_DESCRIPTION {
            class.name = self.name()?;
            let _serial_version: [u8; 8] = self.bytes()?;
            self.known.push(Known::Class(at));
            class.flags = self.byte()?;
            for _ in 0..u16::from_be_bytes(self.bytes()?) {
                self.spend(1)?;
                let kind = self.byte()?;
                let name = self.name()?;
                if matches!(kind, b'L' | b'[') {
                    self.nested(depth)?;
                }
                class.fields.push((kind, name));
            }
        } else {
            self.known.push(Known::Class(at));
            for _ in 0..u32::from_be_bytes(self.bytes()?) {
                self.spend(1)?;
                self.text()?;
            }
        }
        self.annotations(depth)?;
        class.parent = self.class(depth + 1)?;
        if let Some(slot) = self.classes.get_mut(at) {
            *slot = class;
        }
        Ok(at)
    }

    /// Values up to the end mark.
    fn annotations(&mut self, depth: usize) -> Result<Vec<Value>, S::Error> {
        let mut values = Vec::new();
        loop {
            match self.byte()? {
                tag::END => return Ok(values),
                tag => values.push(self.tagged(tag, depth + 1)?),
            }
        }
    }

    fn array(&mut self, depth: usize) -> Result<Value, S::Error> {
        let class = self.class(depth)?;
        self.known.push(Known::Other);
        let name = class.and_then(|at| self.classes.get(at)).map(|class| class.name.clone()).unwrap_or_default();
        let kind = name.as_bytes().get(1).copied().unwrap_or(b'L');
        let length = u32::from_be_bytes(self.bytes()?);
        let mut items = Vec::new();
        for _ in 0..length {
            self.spend(1)?;
            items.push(self.of_type(kind, depth)?);
        }
        Ok(Value::Array(items))
    }

    fn object(&mut self, depth: usize) -> Result<Value, S::Error> {
        let class = self.class(depth)?;
        let handle = self.known.len();
        self.known.push(Known::Other);
        let mut object = Object { class: String::new(), fields: Vec::new(), annotations: Vec::new() };
        for class in self.lineage(class)? {
            class.name.clone_into(&mut object.class);
            if class.flags & flag::SERIALIZABLE != 0 {
                // A flag of one byte takes its name with it, and the room of a value.
                let size = class.fields.iter().map(|(_, name)| name.len() + 16).sum::<usize>();
                self.spend(size / FREE)?;
                for (kind, name) in class.fields {
                    let value = self.of_type(kind, depth)?;
                    object.fields.push((name, value));
                }
            } else if class.flags & (flag::EXTERNALIZABLE | flag::BLOCK_DATA) == flag::EXTERNALIZABLE {
                // Its length is known to its class alone (protocol version 1, which no server of today writes).
                return Err(Broken::Tag(class.flags).into());
            }
            if class.flags & (flag::WRITE_METHOD | flag::EXTERNALIZABLE) != 0 {
                object.annotations.extend(self.annotations(depth)?);
            }
        }
        // One value, and no more: what holds others that come again would double with each of them.
        let is_plain =
            |(_, value): &(String, Value)| matches!(value, Value::Boolean(_) | Value::Integer(_) | Value::Number(_));
        let boxed = values::is_box(&object.class)
            && object.annotations.is_empty()
            && object.fields.len() == 1
            && object.fields.iter().all(is_plain);
        let value = Value::Object(object);
        if let (true, Some(known)) = (boxed, self.known.get_mut(handle)) {
            *known = Known::Boxed(Box::new(value.clone()));
        }
        Ok(value)
    }

    /// A class and those that it extends, the topmost first.
    fn lineage(&mut self, class: Option<usize>) -> Result<Vec<Class>, S::Error> {
        let mut lineage = Vec::new();
        let mut next = class;
        while let Some(class) = next.and_then(|at| self.classes.get(at)).cloned() {
            self.spend(1)?;
            next = class.parent;
            lineage.insert(0, class);
        }
        Ok(lineage)
    }

    fn of_type(&mut self, kind: u8, depth: usize) -> Result<Value, S::Error> {
        Ok(match kind {
            b'Z' => Value::Boolean(self.byte()? != 0),
            b'B' => Value::Integer(i64::from(i8::from_be_bytes(self.bytes()?))),
            b'C' => Value::Integer(i64::from(u16::from_be_bytes(self.bytes()?))),
            b'S' => Value::Integer(i64::from(i16::from_be_bytes(self.bytes()?))),
            b'I' => Value::Integer(i64::from(i32::from_be_bytes(self.bytes()?))),
            b'J' => Value::Integer(i64::from_be_bytes(self.bytes()?)),
            b'F' => Value::Number(f64::from(f32::from_be_bytes(self.bytes()?))),
            b'D' => Value::Number(f64::from_be_bytes(self.bytes()?)),
            b'L' | b'[' => self.nested(depth)?,
            other => return Err(Broken::Type(char::from(other)).into()),
        })
    }
}

#[cfg(test)]
#[path = "stream_tests.rs"]
mod tests;
