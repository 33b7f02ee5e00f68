//! What SnakeYAML, and so Cassandra, makes of a scalar without quotes: YAML 1.1, by the patterns of its `Resolver`.
//!
//! The patterns are those of SnakeYAML 2.1 (Cassandra 5.0). 1.11 (Cassandra 3.11) differs on odd words only (`08`, `0_`,
//! `._`), which [`super::scalar::is_doubtful`] keeps out of what we write. Words that have no value in a configuration
//! (`=`, `<<`, dates) and numbers beyond 64 bits are left as text.

use serde_yaml::Value;

/// The value of a plain scalar, its lines already joined.
pub(super) fn resolve(text: &str) -> Value {
    let value = match text.bytes().next() {
        None => Some(Value::Null),
        Some(b'~' | b'n' | b'N') if matches!(text, "~" | "null" | "Null" | "NULL") => Some(Value::Null),
        Some(b'y' | b'Y' | b'n' | b'N' | b't' | b'T' | b'f' | b'F' | b'o' | b'O') => boolean(text),
        Some(b'-' | b'+' | b'.' | b'0'..=b'9') => integer(text).or_else(|| float(text)),
        Some(_) => None,
    };
    value.unwrap_or_else(|| Value::String(text.to_owned()))
}

/// Three casings of six words; `y` and `n` alone are strings to SnakeYAML.
fn boolean(text: &str) -> Option<Value> {
    match text {
        "yes" | "Yes" | "YES" | "true" | "True" | "TRUE" | "on" | "On" | "ON" => Some(Value::Bool(true)),
        "no" | "No" | "NO" | "false" | "False" | "FALSE" | "off" | "Off" | "OFF" => Some(Value::Bool(false)),
        _ => None,
    }
}

/// Binary, octal (`017`), decimal, hexadecimal, and numbers of base 60 (`12:30:45`); `_` may stand between digits.
fn integer(text: &str) -> Option<Value> {
    let (negative, digits) = signed(text);
    let number = if let Some(binary) = digits.strip_prefix("0b") {
        in_base(binary, 2)?
    } else if let Some(hexadecimal) = digits.strip_prefix("0x") {
        in_base(hexadecimal, 16)?
    } else if let Some(octal) = digits.strip_prefix('0').filter(|rest| !rest.is_empty()) {
        in_base(octal, 8)?
    } else if let Some((first, rest)) = digits.split_once(':') {
        let first = Some(first).filter(|first| first.starts_with(|c: char| ('1'..='9').contains(&c)))?;
        rest.split(':').try_fold(in_base(first, 10)?, |sum, part| sum.checked_mul(60)?.checked_add(sixtieth(part)?))?
    } else {
        in_base(Some(digits).filter(|digits| !digits.starts_with('_'))?, 10)?
    };
    let number = if negative { -number } else { number };
    i64::try_from(number).map(Value::from).or_else(|_| u64::try_from(number).map(Value::from)).ok()
}

/// Digits of a base, underscores skipped; at least one digit.
fn in_base(text: &str, base: u32) -> Option<i128> {
    let mut number = None;
    for c in text.chars().filter(|c| *c != '_') {
        let digit = i128::from(c.to_digit(base)?);
        number = Some(number.unwrap_or(0_i128).checked_mul(i128::from(base))?.checked_add(digit)?);
    }
    number
}

/// One part behind a colon: `0` to `59`.
fn sixtieth(part: &str) -> Option<i128> {
    let fits = matches!(part.as_bytes(), [b'0'..=b'9'] | [b'0'..=b'5', b'0'..=b'9']);
    part.parse().ok().filter(|_| fits)
}

/// A number with a dot or an exponent, in base 60 too, infinity and not-a-number.
fn float(text: &str) -> Option<Value> {
    let (negative, rest) = signed(text);
    let number = match rest {
        ".inf" | ".Inf" | ".INF" => f64::INFINITY,
        ".nan" | ".NaN" | ".NAN" if rest == text => f64::NAN,
        _ => match rest.split_once(':') {
            Some((first, below)) => of_base_60(first, below)?,
            None => decimal(rest)?,
        },
    };
    Some(Value::from(if negative { -number } else { number }))
}

fn decimal(text: &str) -> Option<f64> {
    let (mantissa, exponent) = match text.split_once(['e', 'E']) {
        Some((mantissa, exponent)) => (mantissa, Some(signed(exponent).1)),
        None => (text, None),
    };
    let digits = |text: &str| text.bytes().all(|byte| byte.is_ascii_digit() || byte == b'_');
    let (whole, fraction) = match mantissa.split_once('.') {
        Some((whole, fraction)) => (whole, Some(fraction)),
        None => (mantissa, None),
    };
    let begins = whole.starts_with(|c: char| c.is_ascii_digit())
        || (whole.is_empty() && fraction.is_some_and(|fraction| !fraction.is_empty()));
    let numeric = begins && digits(whole) && digits(fraction.unwrap_or_default());
    let raised = exponent.is_none_or(|exponent| !exponent.is_empty() && exponent.bytes().all(|b| b.is_ascii_digit()));
    let has_mark = fraction.is_some() || exponent.is_some();
    // `._` fits SnakeYAML's pattern and then fails as a number.
    if numeric && raised && has_mark { text.replace('_', "").parse().ok() } else { None }
}

fn of_base_60(first: &str, below: &str) -> Option<f64> {
    let (parts, fraction) = below.split_once('.')?;
    let clean = |text: &str| text.bytes().all(|byte| byte.is_ascii_digit() || byte == b'_');
    if !first.starts_with(|c: char| c.is_ascii_digit()) || !clean(first) || !clean(fraction) {
        return None;
    }
    let mut parts: Vec<&str> = parts.split(':').collect();
    parts.iter().try_for_each(|part| sixtieth(part).map(|_| ()))?;
    parts.insert(0, first);
    let mut sum: f64 = format!("0.{fraction}").replace('_', "").parse().ok()?;
    let mut worth = 1.0;
    for part in parts.iter().rev() {
        sum += part.replace('_', "").parse::<f64>().ok()? * worth;
        worth *= 60.0;
    }
    Some(sum)
}

/// True for a minus, and what follows the sign.
fn signed(text: &str) -> (bool, &str) {
    match text.strip_prefix('-') {
        Some(rest) => (true, rest),
        None => (false, text.strip_prefix('+').unwrap_or(text)),
    }
}

#[cfg(test)]
mod tests;
