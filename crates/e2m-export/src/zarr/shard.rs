//! The index at the end of a shard: where each chunk is in the file, and a checksum.

use crate::tiles::TILE_PX;

/// Chunks of a shard along each axis.
pub(super) const CHUNKS: usize = 8;
/// Pixels of a shard along each axis.
pub(super) const SHARD_PX: usize = CHUNKS * TILE_PX;
/// The polynomial of CRC32C (Castagnoli), lowest bit first.
const POLYNOMIAL: u32 = 0x82f6_3b78;

/// The chunks of a shard that are in its file, row by row: first byte and length.
#[derive(Debug, Clone)]
pub(super) struct ShardIndex {
    chunks: Vec<Option<[u64; 2]>>,
}

impl ShardIndex {
    pub(super) fn new() -> Self {
        Self {
            chunks: vec![None; CHUNKS * CHUNKS],
        }
    }

    /// Notes a chunk by its row and column in the shard.
    pub(super) fn set(&mut self, row: usize, column: usize, place: [u64; 2]) {
        if let Some(chunk) = self.chunks.get_mut(row * CHUNKS + column) {
            *chunk = Some(place);
        }
    }

    /// Whether no chunk is there: such a shard has no file.
    pub(super) fn is_empty(&self) -> bool {
        self.chunks.iter().all(Option::is_none)
    }

    /// The last bytes of the file.
    pub(super) fn bytes(&self) -> Vec<u8> {
        let numbers = self.chunks.iter().flat_map(|chunk| {
            // What is not there has a place that no file has.
            chunk.unwrap_or([u64::MAX; 2])
        });
        let mut bytes: Vec<u8> = numbers.flat_map(u64::to_le_bytes).collect();
        let sum = crc32c(&bytes);
        bytes.extend(sum.to_le_bytes());
        bytes
    }
}

/// CRC32C (RFC 3720), bit by bit: an index has a thousand bytes.
fn crc32c(bytes: &[u8]) -> u32 {
    let step = |sum: u32| match sum & 1 {
        0 => sum >> 1,
        _ => (sum >> 1) ^ POLYNOMIAL,
    };
    let add = |sum: u32, byte: &u8| (0..8).fold(sum ^ u32::from(*byte), |sum, _| step(sum));
    !bytes.iter().fold(u32::MAX, add)
}

#[cfg(test)]
mod tests {
    use super::*;

    /// The examples of RFC 3720, appendix B.4.
    #[test]
    fn checksums_are_those_of_the_rfc() {
        assert_eq!(crc32c(&[0; 32]), 0x8a91_36aa);
        assert_eq!(crc32c(&[0xff; 32]), 0x62a8_ab43);
        let ascending: Vec<u8> = (0..32).collect();
        assert_eq!(crc32c(&ascending), 0x46dd_794e);
        assert_eq!(crc32c(b"123456789"), 0xe306_9283);
    }
}
