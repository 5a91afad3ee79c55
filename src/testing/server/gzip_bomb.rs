//! A gzip stream of one mebibyte that decompresses to one gibibyte.

use std::iter;

use bytes::Bytes;

use super::body::{Body, repeat};

/// The gzip header (RFC 1952), a stored block with `{"keys":[ ` (RFC 1951), and the head of a
/// dynamic block in which two zero bits encode "repeat the previous byte 258 times".
const HEAD: [u8; 39] = [
    0x1f, 0x8b, 0x08, 0x00, 0x00, 0x00, 0x00, 0x00, 0x00, 0xff, 0x00, 0x0a, 0x00, 0xf5, 0xff, 0x7b,
    0x22, 0x6b, 0x65, 0x79, 0x73, 0x22, 0x3a, 0x5b, 0x20, 0xec, 0xc0, 0x81, 0x00, 0x00, 0x00, 0x00,
    0x80, 0x20, 0x95, 0xfd, 0x29, 0x17, 0x29,
];

/// The number of zero bytes in the dynamic block. Each one encodes 1,032 spaces.
const ZEROS: u64 = 1_040_447;

/// The end of the dynamic block, a stored block with `]}`, checksum and length.
const TAIL: [u8; 15] = [
    0x0e, 0x02, 0x00, 0xfd, 0xff, 0x5d, 0x7d, 0xe4, 0xe0, 0xd1, 0xa5, 0x06, 0xff, 0xff, 0x3f,
];

/// Returns a valid gzip stream that decompresses to 1,073,741,574 bytes: `{"keys":[`, spaces, `]}`.
pub(super) fn gzip_bomb() -> Body {
    let chunks = iter::once(Bytes::from_static(&HEAD))
        .chain(repeat(0, ZEROS))
        .chain(iter::once(Bytes::from_static(&TAIL)));
    Body::chunked(chunks).with_length(HEAD.len() as u64 + ZEROS + TAIL.len() as u64)
}
