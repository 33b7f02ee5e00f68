//! Why a certificate is refused, in words: of one that is not valid now, until when it was or from when it will be.

use rustls::pki_types::UnixTime;
use rustls::{CertificateError, Error};

/// What the verifier says, with dates that a person can read (UTC) where it says one.
pub(in crate::client) fn words(error: &Error) -> String {
    use CertificateError::{ExpiredContext, NotValidYetContext};
    match error {
        Error::InvalidCertificate(ExpiredContext { time, not_after }) => {
            format!("certificate expired at {}, it is {} now", date(*not_after), date(*time))
        }
        Error::InvalidCertificate(NotValidYetContext { time, not_before }) => {
            format!("certificate valid from {} on, it is {} now", date(*not_before), date(*time))
        }
        other => other.to_string(),
    }
}

/// A moment as ISO 8601 writes it, of the Gregorian calendar: `2021-01-01T00:00:00Z`.
fn date(moment: UnixTime) -> String {
    let seconds = moment.as_secs();
    let (hour, minute, second) = (seconds / 3600 % 24, seconds / 60 % 60, seconds % 60);
    let mut days = seconds / 86_400;
    let mut year = 1970;
    // Whole cycles of the calendar first: a certificate may name any year up to 9999.
    year += days / DAYS_IN_400_YEARS * 400;
    days %= DAYS_IN_400_YEARS;
    while days >= days_of_year(year) {
        days -= days_of_year(year);
        year += 1;
    }
    let mut month = 1;
    while days >= days_of_month(year, month) {
        days -= days_of_month(year, month);
        month += 1;
    }
    format!("{year:04}-{month:02}-{:02}T{hour:02}:{minute:02}:{second:02}Z", days + 1)
}

const DAYS_IN_400_YEARS: u64 = 146_097;

fn is_leap(year: u64) -> bool {
    year.is_multiple_of(4) && (!year.is_multiple_of(100) || year.is_multiple_of(400))
}

fn days_of_year(year: u64) -> u64 {
    365 + u64::from(is_leap(year))
}

fn days_of_month(year: u64, month: u64) -> u64 {
    match month {
        2 => 28 + u64::from(is_leap(year)),
        4 | 6 | 9 | 11 => 30,
        _ => 31,
    }
}

#[cfg(test)]
mod tests {
    use std::time::Duration;

    use super::*;

    #[test]
    fn a_moment_is_told_as_a_date_of_the_calendar() {
        // As date(1) of GNU writes them.
        for (seconds, text) in [
            (0, "1970-01-01T00:00:00Z"),
            (951_782_399, "2000-02-28T23:59:59Z"),
            (951_782_400, "2000-02-29T00:00:00Z"),
            (951_868_800, "2000-03-01T00:00:00Z"),
            (1_609_459_199, "2020-12-31T23:59:59Z"),
            (1_609_459_200, "2021-01-01T00:00:00Z"),
            (4_107_542_400, "2100-03-01T00:00:00Z"),
            (12_591_158_400, "2368-12-31T00:00:00Z"),
            (253_402_300_799, "9999-12-31T23:59:59Z"),
        ] {
            assert_eq!(date(UnixTime::since_unix_epoch(Duration::from_secs(seconds))), text);
        }
        // However absurd, it ends.
        assert!(date(UnixTime::since_unix_epoch(Duration::MAX)).ends_with('Z'));
    }
}
