//! The types that the values of cassandra.yaml have, and a valid value of each.

/// The type of a key's value.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Kind {
    /// A whole number.
    Integer(Ceiling),
    /// A number.
    Number,
    /// `true` or `false`.
    Boolean,
    /// A string.
    Text,
    /// Whatever the class that it is given to makes of it.
    Any,
    /// A bare number with the unit in the key's name: an old name of 4.1 and later.
    Bare {
        /// The unit in words.
        unit: Unit,
        /// How large it may be; none where it may have a fraction.
        ceiling: Option<Ceiling>,
        /// Whether a negative number is taken, for none.
        negative: bool,
    },
    /// A number with a unit of time (4.1 and later, `DurationSpec`).
    Duration {
        /// The finest unit that is taken.
        least: &'static str,
        /// How large it may be in that unit.
        ceiling: Ceiling,
        /// Whether a number without a unit is taken, too.
        bare: bool,
    },
    /// A number with B, KiB, MiB or GiB (4.1 and later, `DataStorageSpec`).
    DataSize {
        /// The finest unit that is taken.
        least: &'static str,
        /// How large it may be in that unit.
        ceiling: Ceiling,
    },
    /// A number with B/s, KiB/s or MiB/s (4.1 and later, `DataRateSpec`).
    DataRate,
    /// One of some words.
    Choice(&'static [&'static str]),
    /// A list.
    List(&'static Kind),
    /// A map with keys of the user's.
    Map(&'static Kind),
    /// A class with parameters (`ParameterizedClass`).
    Class(Forms),
    /// A structure of its own.
    Nested {
        /// Its class, whose keys are rows of the schema.
        class: &'static str,
        /// Whether a single value stands for it, too.
        scalar: bool,
    },
}

/// The largest number that a value may reach: one below that of the Java type.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
#[allow(missing_docs, reason = "the names say it")]
pub enum Ceiling {
    Int,
    Long,
}

/// The forms in which a release takes a class with parameters.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct Forms {
    /// `- class_name: X` with `parameters` as a list of one map.
    pub list: bool,
    /// `class_name: X` with `parameters` as a map.
    pub map: bool,
    /// The bare name of the class.
    pub string: bool,
}

/// The unit that an old name carries.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
#[allow(missing_docs, reason = "the names say it")]
pub enum Unit {
    Milliseconds,
    Seconds,
    Minutes,
    Bytes,
    Kibibytes,
    Mebibytes,
    MebibytesPerSecond,
    MegabitsPerSecond,
}

/// Units of time, finest first, with their length in nanoseconds (`DurationSpec`).
pub const TIME_UNITS: [(&str, u128); 8] = [
    ("ns", 1),
    ("us", 1_000),
    ("µs", 1_000),
    ("ms", 1_000_000),
    ("s", 1_000_000_000),
    ("m", 60_000_000_000),
    ("h", 3_600_000_000_000),
    ("d", 86_400_000_000_000),
];

/// Units of size, finest first, with their bytes (`DataStorageSpec`).
pub const SIZE_UNITS: [(&str, u128); 4] = [("B", 1), ("KiB", 1 << 10), ("MiB", 1 << 20), ("GiB", 1 << 30)];

/// Units of a rate, finest first, with their bytes (`DataRateSpec`).
pub const RATE_UNITS: [(&str, u128); 3] = [("B/s", 1), ("KiB/s", 1 << 10), ("MiB/s", 1 << 20)];

impl Unit {
    /// The suffix that the same number takes since 4.1; megabits have none and are converted.
    pub(super) fn suffix(self) -> &'static str {
        match self {
            Self::Milliseconds => "ms",
            Self::Seconds => "s",
            Self::Minutes => "m",
            Self::Bytes => "B",
            Self::Kibibytes => "KiB",
            Self::Mebibytes => "MiB",
            Self::MebibytesPerSecond => "MiB/s",
            Self::MegabitsPerSecond => "B/s",
        }
    }

    /// The unit in words, to complete "a number of …".
    pub fn words(self) -> &'static str {
        match self {
            Self::Milliseconds => "milliseconds",
            Self::Seconds => "seconds",
            Self::Minutes => "minutes",
            Self::Bytes => "bytes",
            Self::Kibibytes => "KiB",
            Self::Mebibytes => "MiB",
            Self::MebibytesPerSecond => "MiB/s",
            Self::MegabitsPerSecond => "megabits/s",
        }
    }
}

impl Ceiling {
    /// The largest value of the Java type.
    pub fn largest(self) -> u128 {
        match self {
            Self::Int => i32::MAX as u128,
            Self::Long => i64::MAX as u128,
        }
    }
}

impl Kind {
    /// What its value is, to complete "expected …".
    pub fn expected(self) -> String {
        match self {
            Self::Integer(_) => "a whole number".into(),
            Self::Number => "a number".into(),
            Self::Boolean => "true or false".into(),
            Self::Text => "a string".into(),
            Self::Any => "a value".into(),
            Self::Bare { unit, .. } => format!("a bare number of {}", unit.words()),
            Self::Duration { least, bare, .. } => {
                let unit = if bare { "a number, or one" } else { "a number" };
                format!("{unit} with a unit not finer than {least} such as 10{least}")
            }
            Self::DataSize { least: "B", .. } => "a number with B, KiB, MiB or GiB such as 10MiB".into(),
            Self::DataSize { least, .. } => format!("a number with a unit not finer than {least} such as 10{least}"),
            Self::DataRate => "a number with B/s, KiB/s or MiB/s such as 10MiB/s".into(),
            Self::Choice(words) => format!("one of {}", words.join(", ")),
            Self::List(Self::Text) => "a list of strings".into(),
            Self::List(_) => "a list".into(),
            Self::Map(_) | Self::Nested { .. } => "a map".into(),
            Self::Class(Forms { string: true, .. }) => "a class name, or class_name with parameters".into(),
            Self::Class(Forms { map: false, .. }) => "a list of one class_name with parameters".into(),
            Self::Class(_) => "class_name with parameters".into(),
        }
    }

    /// A valid value as it would be written in a file, a structure in flow form. `class` gives the keys of a structure:
    /// here it stays empty, which Cassandra reads as all defaults.
    pub fn example(self) -> String {
        match self {
            // A wait, or a formula (`RetryStrategy.parse`).
            Self::Nested { class: "StringRetryStrategy", .. } => "7s".into(),
            Self::Integer(_) | Self::Bare { .. } | Self::Nested { scalar: true, .. } => "7".into(),
            Self::Number => "0.5".into(),
            Self::Boolean => "true".into(),
            Self::Text | Self::Any => "text".into(),
            Self::Duration { least, .. } | Self::DataSize { least, .. } => format!("7{least}"),
            Self::DataRate => "7MiB/s".into(),
            Self::Choice(words) => words.last().map_or(String::new(), |word| format!("'{word}'")),
            Self::List(item) => format!("[{}]", item.example()),
            Self::Map(value) => format!("{{a: {}}}", value.example()),
            Self::Class(Forms { list: true, .. }) => "[{class_name: some.Class, parameters: [{a: b}]}]".into(),
            Self::Class(Forms { map: true, .. }) => "{class_name: some.Class, parameters: {a: b}}".into(),
            Self::Class(_) => "some.Class".into(),
            Self::Nested { .. } => "{}".into(),
        }
    }
}
