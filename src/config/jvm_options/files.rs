//! The option files of one Cassandra as one list of options: found, replaced and commented out wherever they stand.

use crate::cassandra::Collector;
use crate::config::jvm_options::{JvmOptionError, JvmOptions, OptionKey, options_of};

/// The option files in the order in which Cassandra reads them: first what holds for every Java, last what is for one.
#[derive(Debug, Clone, Default, PartialEq, Eq)]
pub struct OptionFiles(Vec<(String, JvmOptions)>);

impl OptionFiles {
    /// The files with their names.
    pub fn new(files: Vec<(String, JvmOptions)>) -> Self {
        Self(files)
    }

    /// The files with their names, in order.
    pub fn iter(&self) -> impl Iterator<Item = (&str, &JvmOptions)> {
        self.0.iter().map(|(name, file)| (name.as_str(), file))
    }

    /// Every live option with the name of its file, in order; several of one line are several.
    pub fn live(&self) -> impl Iterator<Item = (&str, String)> {
        self.iter().flat_map(|(name, file)| file.options().flat_map(options_of).map(move |option| (name, option)))
    }

    /// The live option with this key that counts, which is the last.
    pub fn get(&self, key: &OptionKey) -> Option<String> {
        self.live().filter(|(_, option)| OptionKey::of(option) == *key).last().map(|(_, option)| option)
    }

    /// The file in which [`Self::lay`] would put this option.
    pub fn place(&self, option: &str) -> Option<&str> {
        let key = OptionKey::of(option);
        let live = self.live().find(|(_, option)| OptionKey::of(option) == key).map(|(name, _)| name);
        let fresh = || if is_of_one_java(option) { self.0.last() } else { self.0.first() };
        let preferred = fresh().map(|(name, _)| name.as_str());
        live.or_else(|| {
            let commented = |name: &str| self.0.iter().any(|(known, file)| known == name && file.has_commented(&key));
            let mut holding = preferred.into_iter().chain(self.iter().map(|(name, _)| name));
            holding.find(|name| commented(name))
        })
        .or(preferred)
    }

    /// Puts an option in: in place of the first live one with its key, in whichever file that stands, and later ones go;
    /// else where it is commented out; else at the end of the file that such options belong in. Returns the file's name.
    ///
    /// # Errors
    /// An option that a file cannot hold, as [`JvmOptions::set`]; there must be a file.
    pub fn lay(&mut self, option: &str) -> Result<Option<String>, JvmOptionError> {
        let Some(target) = self.place(option).map(str::to_owned) else { return Ok(None) };
        let key = OptionKey::of(option);
        for (name, file) in &mut self.0 {
            if *name == target {
                file.set(option)?;
            } else {
                // The same option in a later file would win.
                file.remove(&key);
            }
        }
        Ok(Some(target))
    }

    /// Takes an option out of every file.
    pub fn remove(&mut self, key: &OptionKey) {
        self.0.iter_mut().for_each(|(_, file)| file.remove(key));
    }

    /// Comments every live option with this key out in one file.
    pub fn disable(&mut self, name: &str, key: &OptionKey) {
        self.0.iter_mut().filter(|(known, _)| known == name).for_each(|(_, file)| file.disable(key));
    }

    /// Puts an option on a line before the first live one with this key.
    ///
    /// # Errors
    /// As [`JvmOptions::set`].
    pub fn insert_before(&mut self, key: &OptionKey, option: &str) -> Result<Option<String>, JvmOptionError> {
        for (name, file) in &mut self.0 {
            if file.options().flat_map(options_of).any(|live| OptionKey::of(&live) == *key) {
                file.insert_before(key, option)?;
                return Ok(Some(name.clone()));
            }
        }
        Ok(None)
    }
}

/// Whether Cassandra keeps such options in the file of one Java: collectors, their log, modules.
fn is_of_one_java(option: &str) -> bool {
    option.starts_with("--") || option.starts_with("-Xlog") || Collector::owner(option).is_some()
}

#[cfg(test)]
mod tests {
    use super::*;

    fn files(server: &str, java: &str) -> OptionFiles {
        let parse = |name: &str, text: &str| (name.to_owned(), JvmOptions::parse(name, text));
        OptionFiles::new(vec![parse("jvm-server.options", server), parse("jvm17-server.options", java)])
    }

    fn texts(files: &OptionFiles) -> Vec<String> {
        files.iter().map(|(_, file)| file.text()).collect()
    }

    #[test]
    fn an_option_is_replaced_in_the_file_where_it_stands() {
        let mut files = files("-ea\n", "-Xss256k\n# more\n");
        assert_eq!(files.lay("-Xss512k").unwrap().as_deref(), Some("jvm17-server.options"));
        assert_eq!(texts(&files), ["-ea\n", "-Xss512k\n# more\n"]);
    }

    #[test]
    fn a_new_option_goes_where_it_is_commented_out_and_else_where_its_kind_stands() {
        let mut files = files("-ea\n", "#-Xlog:gc=info:file=/x\n#-Xmn1G\n");
        for option in ["-Xlog:gc=debug:stdout", "-Xmn2G", "-Da=b", "-XX:+UseZGC", "--add-opens x/y=z"] {
            files.lay(option).unwrap();
        }
        assert_eq!(texts(&files), ["-ea\n-Da=b\n", "-Xlog:gc=debug:stdout\n-Xmn2G\n-XX:+UseZGC\n--add-opens x/y=z\n"]);
    }

    #[test]
    fn an_option_that_shares_its_line_gets_one_of_its_own() {
        let mut files = files("-Xms4G -Xmx4G -ea\n", "--add-opens a/b=c -Da=1");
        files.lay("-Xmx2G").unwrap();
        files.lay("-Da=2").unwrap();
        assert_eq!(texts(&files), ["-Xms4G\n-Xmx2G\n-ea\n", "--add-opens a/b=c\n-Da=2"]);
    }

    #[test]
    fn what_must_come_first_comes_first() {
        let mut files = files("", "-ea\r\n-XX:+UseZGC\r\n");
        files.insert_before(&OptionKey::of("-XX:+UseZGC"), "-XX:+UnlockExperimentalVMOptions").unwrap();
        assert_eq!(texts(&files), ["", "-ea\r\n-XX:+UnlockExperimentalVMOptions\r\n-XX:+UseZGC\r\n"]);
    }
}
