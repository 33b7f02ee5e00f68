//! Kubernetes quantities: `1Gi`, `500m`, `1.5G`, `2e9`.

/// The value as a number, in the unit's base: bytes or processors. `None` where the text is no quantity.
///
/// The forms are those of "Quantity" in the Kubernetes API reference.
pub fn parse(text: &str) -> Option<f64> {
    const BINARY: &[(&str, i32)] = &[("Ki", 1), ("Mi", 2), ("Gi", 3), ("Ti", 4), ("Pi", 5), ("Ei", 6)];
    const DECIMAL: &[(&str, i32)] =
        &[("n", -9), ("u", -6), ("m", -3), ("k", 3), ("M", 6), ("G", 9), ("T", 12), ("P", 15), ("E", 18)];
    let number = |digits: &str| {
        let plain = digits.starts_with(|c: char| c.is_ascii_digit() || matches!(c, '.' | '+' | '-'));
        let value: f64 = digits.parse().ok().filter(|_| plain)?;
        (value.is_finite() && value >= 0.0).then_some(value)
    };
    let binary = BINARY.iter().find_map(|(suffix, power)| Some((text.strip_suffix(suffix)?, 1024_f64.powi(*power))));
    let decimal = || DECIMAL.iter().find_map(|(suffix, power)| Some((text.strip_suffix(suffix)?, 10_f64.powi(*power))));
    match binary.or_else(decimal) {
        Some((digits, factor)) if !digits.contains(['e', 'E']) => Some(number(digits)? * factor),
        Some(_) => None,
        None => number(text),
    }
}

/// The value in whole units, rounded up, as the kubelet does with resource fields.
#[allow(
    clippy::cast_possible_truncation,
    clippy::cast_sign_loss,
    reason = "never negative, and a float's cast saturates"
)]
pub fn whole(value: f64) -> u64 {
    value.ceil() as u64
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn every_form_of_a_quantity() {
        let cases = [
            ("1Gi", 1_073_741_824),
            ("512Mi", 536_870_912),
            ("1G", 1_000_000_000),
            ("1.5Ki", 1536),
            ("2e9", 2_000_000_000),
            ("128974848000m", 128_974_848),
            ("500m", 1),
            ("12", 12),
        ];
        for (text, bytes) in cases {
            assert_eq!(parse(text).map(whole), Some(bytes), "{text}");
        }
    }

    #[test]
    fn what_is_no_quantity() {
        for text in ["", "Gi", "1GB", "-1Gi", "1 Gi", "inf", "nan", "1e3Gi", "one"] {
            assert_eq!(parse(text), None, "{text}");
        }
    }
}
