//! Frames of protocol v5, in which envelopes travel once STARTUP has been answered: a length and two checksums.
//!
//! Source: section 2 of `doc/native_protocol_v5.spec`, and `FrameEncoderCrc` of Cassandra. Not compressed.

/// The length of a frame's header.
pub(super) const HEADER: usize = 6;
/// The length of what follows the payload.
pub(super) const TRAILER: usize = 4;

/// The longest payload, by the width of its field.
const LONGEST: usize = 0x1_FFFF;
/// The frame holds whole envelopes, not a part of one.
const SELF_CONTAINED: u32 = 0x2_0000;

/// An envelope in a frame of its own; none if it is too long, as no request of ours is.
pub(super) fn encode(envelope: &[u8]) -> Option<Vec<u8>> {
    let length = u32::try_from(envelope.len()).ok().filter(|_| envelope.len() <= LONGEST)?;
    let [begin @ .., _] = (length | SELF_CONTAINED).to_le_bytes();
    let [check @ .., _] = crc24(begin).to_le_bytes();
    let mut frame = [begin, check].concat();
    frame.extend(envelope);
    frame.extend(crc32(envelope).to_le_bytes());
    Some(frame)
}

/// The length of the payload, if the header is whole.
pub(super) fn decode_header(header: [u8; HEADER]) -> Option<usize> {
    let number = |bytes: &[u8; 3]| bytes.iter().rev().fold(0, |number, byte| number << 8 | u32::from(*byte));
    let (begin, check) = (header.first_chunk()?, header.last_chunk()?);
    let whole = number(check) == crc24(*begin);
    let length = number(begin) & !SELF_CONTAINED;
    usize::try_from(length).ok().filter(|length| whole && *length <= LONGEST)
}

/// Whether the payload is what was sent.
pub(super) fn is_whole(payload: &[u8], trailer: [u8; TRAILER]) -> bool {
    u32::from_le_bytes(trailer) == crc32(payload)
}

/// The header's checksum: the bytes in the order of the wire, the highest bit first.
fn crc24(bytes: [u8; 3]) -> u32 {
    const START: u32 = 0x0087_5060;
    const POLYNOMIAL: u32 = 0x0197_4F0B;
    let shift = |crc: u32, _| if crc & 0x0080_0000 == 0 { crc << 1 } else { (crc << 1) ^ POLYNOMIAL };
    bytes.into_iter().fold(START, |crc, byte| (0..8).fold(crc ^ (u32::from(byte) << 16), shift)) & 0x00FF_FFFF
}

/// The payload's checksum: that of IEEE 802.3, with four bytes before the payload.
fn crc32(payload: &[u8]) -> u32 {
    const BEFORE: [u8; 4] = [0xFA, 0x2D, 0x55, 0xCA];
    const POLYNOMIAL: u32 = 0xEDB8_8320;
    let shift = |crc: u32, _| if crc & 1 == 0 { crc >> 1 } else { (crc >> 1) ^ POLYNOMIAL };
    !BEFORE.iter().chain(payload).fold(u32::MAX, |crc, byte| (0..8).fold(crc ^ u32::from(*byte), shift))
}

#[cfg(test)]
mod tests {
    use super::*;

    /// OPTIONS on stream 1 in a frame, as the driver of DataStax for Python writes it.
    const OPTIONS: [u8; 19] = [
        0x09, 0x00, 0x02, 0xa4, 0xc8, 0xc1, 0x05, 0x00, 0x00, 0x01, 0x05, 0x00, 0x00, 0x00, 0x00, 0xb5, 0x55, 0x74,
        0x86,
    ];

    #[test]
    fn a_frame_is_as_the_drivers_write_it() {
        assert_eq!(encode(&OPTIONS[6..15]).unwrap(), OPTIONS);
        assert_eq!(decode_header(*OPTIONS.first_chunk().unwrap()), Some(9));
        assert!(is_whole(&OPTIONS[6..15], *OPTIONS.last_chunk().unwrap()));
        assert_eq!(encode(&vec![0; LONGEST + 1]), None);
    }

    #[test]
    fn every_flipped_bit_is_seen() {
        for bit in 0..HEADER * 8 {
            let mut header: [u8; HEADER] = *OPTIONS.first_chunk().unwrap();
            header[bit / 8] ^= 1 << (bit % 8);
            assert_eq!(decode_header(header), None, "bit {bit} of the header");
        }
        for bit in 0..9 * 8 {
            let mut payload = OPTIONS[6..15].to_vec();
            payload[bit / 8] ^= 1 << (bit % 8);
            assert!(!is_whole(&payload, *OPTIONS.last_chunk().unwrap()), "bit {bit} of the payload");
        }
    }
}
