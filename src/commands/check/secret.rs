//! Which lines are not shown.

use crate::settings::secret::is_secret;

/// Whether a line, counted from 1, shows a secret: it names one, or it belongs to a key above it that does.
pub(super) fn in_line(text: &str, number: usize) -> bool {
    let lines: Vec<&str> = text.lines().take(number).collect();
    let Some(line) = lines.last() else { return false };
    let mut indent = indent_of(line);
    let mut shown = vec![*line];
    for above in lines.iter().rev().skip(1).filter(|above| !above.trim().is_empty()) {
        if indent_of(above) < indent {
            indent = indent_of(above);
            shown.push(above);
        }
    }
    shown.iter().any(|line| line.contains("-----BEGIN") || words(line).any(is_secret)) || is_value_of_secret(&lines)
}

/// `value: x` below `- name: A_PASSWORD`, as in the environment of a manifest.
fn is_value_of_secret(lines: &[&str]) -> bool {
    let Some((line, above)) = lines.split_last() else { return false };
    let is_value = line.trim_start().trim_start_matches("- ").starts_with("value");
    let name = above.iter().rev().find(|above| above.trim_start().trim_start_matches("- ").starts_with("name:"));
    is_value && name.is_some_and(|name| words(name).any(is_secret))
}

fn words(line: &str) -> impl Iterator<Item = &str> {
    line.split(|c: char| !c.is_ascii_alphanumeric() && !matches!(c, '_' | '-' | '.'))
}

fn indent_of(line: &str) -> usize {
    line.len() - line.trim_start_matches([' ', '-']).len()
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_line_is_secret_by_its_own_key_or_by_one_above() {
        let text = "a: 1\noptions:\n  truststore_password: x\n  other: y\nsecret_block: |\n\n  line\nenv:\n- name: A_PASSWORD\n  value: x\n- name: B\n  value: y\n";
        let hidden: Vec<usize> = (1..=12).filter(|number| in_line(text, *number)).collect();
        assert_eq!(hidden, [3, 5, 7, 9, 10]);
    }
}
