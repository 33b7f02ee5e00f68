//! The order in which NodeTool lists nodes: that of the hash map which it keeps them in.
//!
//! Source: `java.util.HashMap` and `hashCode` of `String`, `Inet4Address` and `Inet6Address`.

use std::net::IpAddr;

/// A bucket with more becomes a tree, whose order is another.
const LONGEST_BUCKET: usize = 8;

/// `String.hashCode`.
pub(super) fn of_text(text: &str) -> i32 {
    text.encode_utf16().fold(0_i32, |hash, unit| hash.wrapping_mul(31).wrapping_add(i32::from(unit)))
}

/// `InetAddress.hashCode`: the number of an IPv4 address, the sum of four of an IPv6 one, whose bytes are signed.
pub(super) fn of_address(address: IpAddr) -> i32 {
    let number = |bytes: &[u8]| {
        bytes.iter().fold(0_i32, |number, byte| (number << 8).wrapping_add(i32::from(byte.cast_signed())))
    };
    match address {
        IpAddr::V4(address) => address.to_bits().cast_signed(),
        IpAddr::V6(address) => address.octets().chunks(4).fold(0_i32, |sum, bytes| sum.wrapping_add(number(bytes))),
    }
}

/// In which order a map that began with so many buckets lists keys of these hashes, which were put in in this order.
/// None where a bucket grows too long to tell.
pub(super) fn listed(hashes: &[i32], buckets: usize) -> Option<Vec<usize>> {
    let mut buckets = buckets;
    loop {
        // It doubles its buckets when they are three quarters full.
        let full = buckets.checked_div(4)?.checked_mul(3)?;
        let bucket = |hash: i32| {
            let spread = hash.cast_unsigned() ^ (hash.cast_unsigned() >> 16);
            spread as usize & (buckets - 1)
        };
        let mut order: Vec<usize> = (0..hashes.len().min(full)).collect();
        order.sort_by_key(|at| hashes.get(*at).map(|hash| bucket(*hash)));
        let of = |at: &usize| hashes.get(*at).map(|hash| bucket(*hash));
        if order.chunk_by(|one, other| of(one) == of(other)).any(|bucket| bucket.len() > LONGEST_BUCKET) {
            return None;
        }
        if hashes.len() <= full {
            return Some(order);
        }
        buckets = buckets.checked_mul(2)?;
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn hashes_are_those_of_java() {
        // jshell> "127.0.0.1:7000".hashCode()
        assert_eq!(of_text("127.0.0.1:7000"), -35_766_666);
        assert_eq!(of_text(""), 0);
        let hash = |text: &str| of_address(text.parse().unwrap());
        // jshell> InetAddress.getByName("192.168.0.1").hashCode()
        assert_eq!(hash("192.168.0.1"), -1_062_731_775);
        assert_eq!(hash("fd00::1:ff80"), -50_266_496);
    }

    #[test]
    fn the_order_is_that_of_buckets_and_then_of_insertion() {
        assert_eq!(listed(&[17, 1, 33, 0], 16), Some(vec![3, 0, 1, 2]));
        // 13 keys have 32 buckets.
        let hashes: Vec<i32> = (0..13).map(|at| at * 16).collect();
        assert_eq!(listed(&hashes, 16), None, "twelve of them were in one bucket before");
        let hashes: Vec<i32> = (0..13).rev().collect();
        assert_eq!(listed(&hashes, 16), Some((0..13).rev().collect()));
        assert_eq!(listed(&[], 16), Some(Vec::new()));
    }

    /// What `new HashMap<>(buckets)` of Java 17 lists, put in in the order of the numbers.
    #[test]
    fn addresses_are_listed_as_java_lists_them() {
        let numbered = |order: Option<Vec<usize>>| -> Vec<usize> { order.unwrap().iter().map(|at| at + 1).collect() };
        let texts: Vec<i32> = (1..10).map(|at| of_text(&format!("10.0.{}.{}:7000", at % 3, at * 7))).collect();
        assert_eq!(numbered(listed(&texts, 16)), [7, 3, 4, 2, 5, 6, 8, 9, 1]);
        assert_eq!(numbered(listed(&texts, 32)), [7, 3, 4, 1, 2, 5, 6, 8, 9]);
        let hash = |text: String| of_address(text.parse().unwrap());
        let four: Vec<i32> = (1..15).map(|at| hash(format!("10.0.{}.{}", at % 3, at * 7))).collect();
        assert_eq!(numbered(listed(&four, 16)), [14, 5, 10, 1, 6, 11, 2, 7, 12, 3, 8, 13, 4, 9]);
        let six: Vec<i32> = (1..7).map(|at| hash(format!("fd00::{}:{:x}", at % 3, at * 7777))).collect();
        assert_eq!(numbered(listed(&six, 16)), [1, 2, 3, 5, 4, 6]);
    }

    #[test]
    fn a_long_bucket_is_not_guessed_at() {
        assert_eq!(listed(&[16; 8], 16).map(|order| order.len()), Some(8));
        assert_eq!(listed(&[16; 9], 16), None);
    }
}
