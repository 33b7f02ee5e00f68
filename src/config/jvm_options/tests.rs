//! One rule a test, and random files.

use proptest::prelude::*;

use super::*;

fn set(text: &str, option: &str) -> String {
    let mut file = JvmOptions::parse("jvm.options", text);
    file.set(option).unwrap();
    let once = file.text();
    file.set(option).unwrap();
    assert_eq!(file.text(), once);
    once
}

#[test]
fn only_lines_that_begin_with_a_dash_are_options() {
    let file = JvmOptions::parse("x", "\u{feff}-Xmx1G  \r\n -Xms1G\r\n#-Xss1\r\nwords\r\n--add-opens a/b=c\r\n");
    assert_eq!(file.options().collect::<Vec<_>>(), ["-Xmx1G", "--add-opens a/b=c"]);
    assert_eq!(words("--add-opens a/b=c").collect::<Vec<_>>(), ["--add-opens", "a/b=c"]);
    assert_eq!(file.get(&OptionKey::of("-Xmx")), Some("-Xmx1G"));
    assert_eq!(file.get(&OptionKey::of("-Xms")), None);
}

#[test]
fn an_option_is_replaced_where_it_stands() {
    assert_eq!(set("# heap\r\n-Xmx1G\r\n-ea\r\n-Xmx2G\r\n", "-Xmx3G"), "# heap\r\n-Xmx3G\r\n-ea\r\n");
    assert_eq!(set("-XX:+UseG1GC", "-XX:-UseG1GC"), "-XX:-UseG1GC");
    assert_eq!(set("-ea \n", "-ea"), "-ea \n");
}

#[test]
fn the_only_commented_option_is_enabled() {
    assert_eq!(set("# -Xmx is the heap\n#-Xmx4G\n", "-Xmx3G"), "# -Xmx is the heap\n-Xmx3G\n");
    assert_eq!(set("#-Xmx4G\n#-Xmx5G\n", "-Xmx3G"), "#-Xmx4G\n#-Xmx5G\n-Xmx3G\n");
    assert_eq!(set("-ea\r\n#x", "-Xmx3G"), "-ea\r\n#x\r\n-Xmx3G\r\n");
}

#[test]
fn options_are_removed_or_commented_out() {
    let mut file = JvmOptions::parse("x", "-Xmx1G\n-ea\n-Xmx2G\n");
    file.disable(&OptionKey::of("-ea"));
    file.remove(&OptionKey::of("-Xmx"));
    assert_eq!(file.text(), "#-ea\n");
    file.set("-ea").unwrap();
    assert_eq!(file.text(), "-ea\n");
}

#[test]
fn what_the_shell_would_split_is_refused() {
    let mut file = JvmOptions::parse("jvm.options", "");
    for bad in [
        "-Da=b c",
        "-Da=b\nc",
        "-Da=\u{0}",
        "-Da=\t",
        "Xmx1",
        "",
        "-Da=\u{a0}",
        "--add-opens a b",
        "--add-opens ",
        "--add-opens -XX:+UseG1GC",
        "-Da=\u{85}",
    ] {
        assert!(file.set(bad).is_err(), "{bad:?}");
    }
    assert_eq!(
        file.set("-Da=b\n-Dc").unwrap_err().to_string(),
        "jvm.options: `-Da=b\\n-Dc` has a blank or control character; option files know no quotes"
    );
    assert_eq!(file.text(), "");
    file.set("--add-exports x/y=ALL-UNNAMED").unwrap();
}

proptest! {
    #![proptest_config(ProptestConfig { failure_persistence: None, ..ProptestConfig::default() })]

    #[test]
    fn an_edit_changes_its_option_and_nothing_else(
        lines in prop::collection::vec("#? ?-(Xm[xs][1-3]G|ea|Da=[x-z]|XX:[+-]A|XX:B=[1-3]|-add-opens a/[bc]=d)| -ea|# words.{0,5}|", 0..12),
        end in "(\n|\r\n)?",
        option in "-(Xm[xs][4-6]G|ea|D[ab]=[x-z]|XX:[+-]A|XX:[BC]=[1-3]|-add-opens a/[bc]=d)",
    ) {
        let newline = if end == "\r\n" { "\r\n" } else { "\n" };
        let text = lines.iter().map(|line| line.replace(['\n', '\r'], "")).collect::<Vec<_>>().join(newline) + &end;
        let before = JvmOptions::parse("x", &text);
        let mut after = before.clone();
        after.set(&option).unwrap();
        let key = OptionKey::of(&option);
        prop_assert_eq!(after.get(&key), Some(option.as_str()));
        let others = |file: &JvmOptions| file.options().filter(|line| OptionKey::of(line) != key).map(str::to_owned).collect::<Vec<_>>();
        prop_assert_eq!(others(&after), others(&before));
        prop_assert_eq!(after.options().filter(|line| OptionKey::of(line) == key).count(), 1);
        let once = after.text();
        after.set(&option).unwrap();
        prop_assert_eq!(after.text(), once);
        after.disable(&key);
        prop_assert_eq!(after.get(&key), None);
        prop_assert_eq!(others(&after), others(&before));
    }

    /// What a start does to two files, in any order: whatever it is, comments and what it is not about stay, and doing the
    /// last of it again changes nothing.
    #[test]
    fn any_sequence_of_edits_keeps_comments_and_unrelated_lines(
        server in prop::collection::vec("-(Xm[xs][1-3]G|ea|Da=[x-z]|XX:B=[1-3])( -(esa|XX:C=1))?|#-XX:[BC]=9| -ea|# words.{0,5}|", 0..8),
        java in prop::collection::vec("-XX:[+-]Use(G1|Z|ConcMarkSweep)GC|-XX:G1X=[12]|-XX:CMSX=1|--add-opens a/[bc]=d|#-XX:[+]UseZGC|# x.{0,5}", 0..8),
        edits in prop::collection::vec(
            (0..4u8, "-(Xm[xs][4-6]G|Da=[x-z]|XX:[BC]=[4-6]|XX:[+]Use(G1|Z)GC|XX:G1X=3|-add-opens a/b=e)"), 1..12),
    ) {
        let text = |lines: &[String]| lines.iter().map(|line| line.replace(['\n', '\r'], "") + "\n").collect::<String>();
        let names = ["jvm-server.options", "jvm17-server.options"];
        let parse = |name: &str, lines: &[String]| (name.to_owned(), JvmOptions::parse(name, &text(lines)));
        let before = OptionFiles::new(vec![parse(names[0], &server), parse(names[1], &java)]);
        let mut after = before.clone();
        let mut touched = Vec::new();
        for (what, option) in &edits {
            let key = OptionKey::of(option);
            let apply = |files: &mut OptionFiles| match what {
                0 | 1 => files.lay(option).map(drop).unwrap(),
                2 => files.remove(&key),
                _ => names.iter().for_each(|name| files.disable(name, &key)),
            };
            apply(&mut after);
            let once = after.clone();
            apply(&mut after);
            prop_assert_eq!(&after, &once, "{} {}", what, option);
            let live = after.live().filter(|(_, live)| OptionKey::of(live) == key).count();
            prop_assert_eq!(live, usize::from(*what < 2));
            touched.push(key);
        }
        let unrelated = |files: &OptionFiles| {
            let live = files.live().filter(|(_, option)| !touched.contains(&OptionKey::of(option)));
            live.map(|(name, option)| (name.to_owned(), option)).collect::<Vec<_>>()
        };
        prop_assert_eq!(unrelated(&after), unrelated(&before));
        let comments = |files: &OptionFiles| {
            let lines: Vec<String> = files.iter().flat_map(|(_, file)| file.text().lines().map(str::to_owned).collect::<Vec<_>>()).collect();
            lines.into_iter().filter(|line| !line.starts_with('-') && !line.starts_with("#-")).collect::<Vec<_>>()
        };
        prop_assert_eq!(comments(&after), comments(&before));
    }
}
