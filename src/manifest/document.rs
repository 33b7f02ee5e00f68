//! A manifest file: its YAML documents, and the line and column of anything in them.

use std::fmt;

use serde::Deserialize as _;
use serde::de::{DeserializeSeed, Deserializer, IgnoredAny, MapAccess, SeqAccess, Visitor};
use serde_yaml::Value;

use crate::report::{Finding, Place};

/// A file of one or more documents.
#[derive(Debug)]
pub struct ManifestFile {
    name: String,
    text: String,
    documents: Vec<Value>,
}

impl ManifestFile {
    /// Reads all documents of a text; `name` stands for it in findings. Anchors and merge keys are followed.
    ///
    /// # Errors
    /// Where and why it is not YAML.
    pub fn parse(name: &str, text: &str) -> Result<Self, Finding> {
        let text = text.strip_prefix('\u{feff}').unwrap_or(text);
        let mut documents = Vec::new();
        for document in serde_yaml::Deserializer::from_str(text) {
            let mut value = Value::deserialize(document).map_err(|error| not_yaml(name, text, &error))?;
            value.apply_merge().map_err(|error| not_yaml(name, text, &error))?;
            documents.push(value);
        }
        Ok(Self { name: name.to_owned(), text: text.to_owned(), documents })
    }

    /// The name given to [`Self::parse`].
    pub fn name(&self) -> &str {
        &self.name
    }

    /// The text.
    pub fn text(&self) -> &str {
        &self.text
    }

    /// The top of each document.
    pub fn documents(&self) -> impl Iterator<Item = Spot<'_>> {
        self.documents.iter().enumerate().map(|(document, value)| Spot {
            file: self,
            document,
            path: Vec::new(),
            value,
        })
    }
}

fn not_yaml(name: &str, text: &str, error: &serde_yaml::Error) -> Finding {
    let at = error.location();
    let (line, column) = at.map_or((None, None), |at| (Some(at.line()), Some(at.column())));
    let message = error.to_string();
    // The parser repeats the place in its words.
    let bare = message.split(" at line ").next().unwrap_or(&message);
    let finding = Finding::error(Place::file(name, line, column), format!("{bare}; expected valid YAML"));
    if text.contains("{{") {
        finding.hint("a template has to be rendered first: helm template … | cassandra-init check -f -")
    } else {
        finding
    }
}

/// One step down a document.
#[derive(Debug, Clone, PartialEq, Eq)]
enum Step {
    Key(String),
    Index(usize),
}

/// A value in a manifest, with the way to it.
#[derive(Debug, Clone)]
pub struct Spot<'a> {
    file: &'a ManifestFile,
    document: usize,
    path: Vec<Step>,
    value: &'a Value,
}

impl<'a> Spot<'a> {
    /// The value.
    pub fn value(&self) -> &'a Value {
        self.value
    }

    /// The file that it stands in.
    pub fn file(&self) -> &'a ManifestFile {
        self.file
    }

    /// The entry of a map; a null counts as not there, as for Kubernetes.
    pub fn get(&self, key: &str) -> Option<Self> {
        let value = self.value.as_mapping()?.get(key).filter(|value| !value.is_null())?;
        Some(self.with(Step::Key(key.to_owned()), value))
    }

    /// [`Self::get`], several entries deep.
    pub fn at(&self, keys: &[&str]) -> Option<Self> {
        keys.iter().try_fold(self.clone(), |spot, key| spot.get(key))
    }

    /// The text of an entry.
    pub fn text(&self, key: &str) -> Option<&'a str> {
        self.value.as_mapping()?.get(key)?.as_str()
    }

    /// The items of a list that is an entry; none where there is no list.
    pub fn items(&self, key: &str) -> Vec<Self> {
        let Some(list) = self.get(key) else { return Vec::new() };
        let Some(items) = list.value.as_sequence() else { return Vec::new() };
        items.iter().enumerate().map(|(index, value)| list.with(Step::Index(index), value)).collect()
    }

    /// The entries of a map whose keys are text.
    pub fn entries(&self) -> impl Iterator<Item = (&'a str, Self)> {
        let entries = self.value.as_mapping().into_iter().flatten();
        entries.filter_map(|(key, value)| {
            let key = key.as_str()?;
            Some((key, self.with(Step::Key(key.to_owned()), value)))
        })
    }

    fn with(&self, step: Step, value: &'a Value) -> Self {
        let mut path = self.path.clone();
        path.push(step);
        Self { file: self.file, document: self.document, path, value }
    }

    /// File, line and column of the value; what came in by a merge key is placed at the nearest map around it.
    pub fn place(&self) -> Place {
        let at = self.position();
        Place::file(self.file.name.as_str(), at.map(|(line, _)| line), at.map(|(_, column)| column))
    }

    /// The place of one line of a text value, counted from 1: exact in a block scalar (`|`), else the value's own.
    pub fn place_of_line(&self, number: usize, column: Option<usize>) -> Place {
        let exact = || {
            let (line, _) = self.position()?;
            let wanted = self.value.as_str()?.lines().nth(number.checked_sub(1)?)?;
            let found = self.file.text.lines().nth(line + number - 1)?;
            let indent = found.strip_suffix(wanted)?;
            // What stands there is compared, so that a folded or quoted text never gets a wrong line.
            let is_block = indent.chars().all(|c| c == ' ') && !(wanted.is_empty() && number == 1);
            let column = column.map(|column| column + indent.len());
            is_block.then(|| Place::file(self.file.name.as_str(), Some(line + number), column))
        };
        exact().unwrap_or_else(|| self.place())
    }

    /// Whether the value stands in quotes or in a block, so that no reader takes it for anything but a string.
    pub fn is_quoted(&self) -> bool {
        let first = self.position().and_then(|(line, column)| {
            self.file.text.lines().nth(line.checked_sub(1)?)?.chars().nth(column.checked_sub(1)?)
        });
        matches!(first, Some('"' | '\'' | '|' | '>'))
    }

    /// Line and column, both from 1.
    fn position(&self) -> Option<(usize, usize)> {
        let document = serde_yaml::Deserializer::from_str(&self.file.text).nth(self.document)?;
        // The parser tells a place only with an error, so the way is walked once more and ends in one.
        let at = Walk(&self.path).deserialize(document).err()?.location()?;
        Some((at.line(), at.column()))
    }
}

/// Walks to a value and fails there, or at the last map or list on the way that is there.
struct Walk<'p>(&'p [Step]);

impl<'de> DeserializeSeed<'de> for Walk<'_> {
    type Value = ();

    fn deserialize<D: Deserializer<'de>>(self, deserializer: D) -> Result<(), D::Error> {
        deserializer.deserialize_any(self)
    }
}

/// A scalar, and whatever else nobody expects, fails by the trait's own methods.
impl<'de> Visitor<'de> for Walk<'_> {
    type Value = ();

    fn expecting(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str("the end of the way")
    }

    fn visit_map<A: MapAccess<'de>>(self, mut map: A) -> Result<(), A::Error> {
        if let Some((Step::Key(wanted), rest)) = self.0.split_first() {
            while let Some(key) = map.next_key::<Value>()? {
                if key.as_str() == Some(wanted) {
                    return map.next_value_seed(Walk(rest));
                }
                map.next_value::<IgnoredAny>()?;
            }
        }
        Err(serde::de::Error::custom("here"))
    }

    fn visit_seq<A: SeqAccess<'de>>(self, mut list: A) -> Result<(), A::Error> {
        if let Some((Step::Index(wanted), rest)) = self.0.split_first() {
            for _ in 0..*wanted {
                list.next_element::<IgnoredAny>()?;
            }
            if list.next_element_seed(Walk(rest))?.is_some() {
                return Ok(());
            }
        }
        Err(serde::de::Error::custom("here"))
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn file(text: &str) -> ManifestFile {
        ManifestFile::parse("m.yaml", text).unwrap()
    }

    #[test]
    fn a_value_knows_its_line_and_column_in_any_document_and_any_style() {
        let file = file("a: 1\n---\n# two\nb:\n  - {c: x, d: \"y\"}\n  - c: [1, 2]\n");
        let second = file.documents().nth(1).unwrap();
        let items = second.items("b");
        assert_eq!(items[0].get("d").unwrap().place().to_string(), "m.yaml:5:15");
        assert_eq!(items[1].place().to_string(), "m.yaml:6:5");
        assert_eq!(items[1].items("c")[1].place().to_string(), "m.yaml:6:12");
        assert_eq!(second.place().to_string(), "m.yaml:4:1");
    }

    #[test]
    fn anchors_and_merge_keys_are_followed_and_placed_as_near_as_can_be() {
        let file = file("base: &base\n  name: x\nfirst:\n  <<: *base\nsecond: *base\n");
        let top = file.documents().next().unwrap();
        assert_eq!(top.get("first").unwrap().text("name"), Some("x"));
        assert_eq!(top.at(&["first", "name"]).unwrap().place().to_string(), "m.yaml:4:3");
        assert_eq!(top.at(&["second", "name"]).unwrap().place().to_string(), "m.yaml:2:9");
    }

    #[test]
    fn a_line_of_a_block_scalar_has_its_own_place_and_a_quoted_one_the_values() {
        let file = file("data:\n  a.yaml: |\n    x: 1\n\n    y: 2\n  b: \"x\\ny\"\n  c: >\n    one\n    two\n");
        let data = file.documents().next().unwrap().get("data").unwrap();
        assert_eq!(data.get("a.yaml").unwrap().place_of_line(3, Some(4)).to_string(), "m.yaml:5:8");
        assert_eq!(data.get("b").unwrap().place_of_line(2, Some(1)).to_string(), "m.yaml:6:6");
        assert_eq!(data.get("c").unwrap().place_of_line(1, None).to_string(), "m.yaml:7:6");
    }

    #[test]
    fn what_is_no_yaml_says_where() {
        let error = ManifestFile::parse("m.yaml", "a: 1\nb: [1\nc: 2\n").unwrap_err();
        assert!(error.to_string().starts_with("m.yaml:3:"), "{error}");
        let error = ManifestFile::parse("m.yaml", "{{- if .Values.x }}\na: 1\n{{- end }}\n").unwrap_err();
        assert!(error.hint.unwrap().contains("helm template"));
    }
}
