//! Blocks of pixels: what a ratio is taken of.
//!
//! The ratio of two pixels is mostly rounding, noise and interpolation; the ratio of the sums over a square of 16 x 16
//! pixels has a sixteenth of the noise, and hardly knows whether one image was a little less in focus than the other.

/// The sums over a square of pixels that are positive in both images, all or nearly all of them.
#[derive(Debug, Clone, Copy, PartialEq)]
pub(crate) struct Block {
    /// Column and row of the block, in blocks.
    pub(crate) x: u32,
    pub(crate) y: u32,
    /// Sums over post and over aligned pre.
    pub(crate) post: f32,
    pub(crate) pre: f32,
    /// Pixels of it that are positive in one image and not in the other.
    pub(crate) cut_off: u32,
}

impl Block {
    /// log10 of the ratio.
    pub(crate) fn log_ratio(&self) -> f64 {
        (f64::from(self.post) / f64::from(self.pre)).log10()
    }
}

/// Blocks a table holds at most: 2.5 MiB. All blocks of 16 px of 33 million pixels with signal find room.
const MAX_BLOCKS: usize = 1 << 17;

/// All blocks of an image, or an even subset where there are too many.
///
/// A block stays if a hash of the position of its group ends in at least `level` zero bits; when the table is full, the
/// level rises. Which blocks remain depends on their positions only, not on the order or the bands they came in. Blocks of one
/// group stay or go together, so that sums over a group are sums over all of its blocks.
#[derive(Debug, Clone, PartialEq)]
pub(crate) struct BlockTable {
    side: usize,
    /// Blocks per axis of a group.
    group: u32,
    level: u32,
    blocks: Vec<Block>,
    offered: u64,
}

impl BlockTable {
    /// A table of blocks of `side` x `side` px, of which `group` x `group` stay or go together.
    pub(crate) fn new(side: usize, group: u32) -> Self {
        Self {
            side,
            group,
            level: 0,
            blocks: Vec::new(),
            offered: 0,
        }
    }

    pub(crate) fn side(&self) -> usize {
        self.side
    }

    /// Those that are kept, in the order they came in: by rows.
    pub(crate) fn blocks(&self) -> &[Block] {
        &self.blocks
    }

    /// Blocks in all, kept or not.
    pub(crate) fn offered(&self) -> u64 {
        self.offered
    }

    pub(crate) fn push(&mut self, block: Block) {
        self.offered += 1;
        let group = self.group;
        let own_level = level_of(&block, group);
        // A level halves the table; more than one where the hash is unlucky.
        while own_level >= self.level && self.blocks.len() == MAX_BLOCKS {
            self.level += 1;
            let level = self.level;
            self.blocks.retain(|b| level_of(b, group) >= level);
        }
        if own_level >= self.level {
            self.blocks.push(block);
        }
    }

    /// Adds the whole blocks of `rows` of post and of aligned pre, whose first is row `first_row` of the image, a
    /// multiple of the side.
    pub(crate) fn add_rows(&mut self, post: &[&[f32]], pre: &[&[f32]], first_row: usize) {
        let side = self.side;
        for (k, (post, pre)) in post
            .chunks_exact(side)
            .zip(pre.chunks_exact(side))
            .enumerate()
        {
            let width = post[0].len();
            for x in 0..width / side {
                let columns = x * side..(x + 1) * side;
                let rows = post.iter().zip(pre);
                let mut pairs = rows.flat_map(|(post, pre)| {
                    post[columns.clone()].iter().zip(&pre[columns.clone()])
                });
                let sums = pairs.try_fold((0.0f64, 0.0f64), |sum, (&post, &pre)| {
                    (post > 0.0 && pre > 0.0)
                        .then_some((sum.0 + f64::from(post), sum.1 + f64::from(pre)))
                });
                if let Some(block) = sums.and_then(|s| block((x, first_row / side + k), s, 0)) {
                    self.push(block);
                }
            }
        }
    }
}

/// The block with these sums, unless they are too large or too small for floats.
pub(crate) fn block(
    (x, y): (usize, usize),
    (post, pre): (f64, f64),
    cut_off: u32,
) -> Option<Block> {
    let (post, pre) = (post as f32, pre as f32);
    let usable = post.is_normal() && pre.is_normal();
    usable.then_some(Block {
        x: x as u32,
        y: y as u32,
        post,
        pre,
        cut_off,
    })
}

/// How many zero bits the hash of the position of a block's group ends in.
fn level_of(block: &Block, group: u32) -> u32 {
    let (x, y) = (block.x / group, block.y / group);
    let mut h = (u64::from(y) << 32 | u64::from(x)).wrapping_add(0x9E37_79B9_7F4A_7C15);
    h = (h ^ (h >> 30)).wrapping_mul(0xBF58_476D_1CE4_E5B9);
    h = (h ^ (h >> 27)).wrapping_mul(0x94D0_49BB_1331_11EB);
    (h ^ (h >> 31)).trailing_zeros()
}

#[cfg(test)]
mod tests {
    use super::*;

    fn at(x: u32, y: u32) -> Block {
        Block {
            x,
            y,
            post: 2.0,
            pre: 1.0,
            cut_off: 0,
        }
    }

    #[test]
    fn a_full_table_keeps_an_even_subset_whatever_the_order() {
        let (mut down, mut up) = (BlockTable::new(16, 4), BlockTable::new(16, 4));
        let n = 600u32;
        for i in 0..n * n {
            down.push(at(i % n, i / n));
            let j = n * n - 1 - i;
            up.push(at(j % n, j / n));
        }
        up.blocks.reverse();
        assert_eq!(down, up);
        assert_eq!(down.offered(), u64::from(n * n));
        let kept = down.blocks().len();
        assert!(kept > MAX_BLOCKS / 3 && kept <= MAX_BLOCKS, "{kept}");
        let left = down.blocks().iter().filter(|b| b.x < n / 2).count();
        assert!((left as f64 / kept as f64 - 0.5).abs() < 0.01);
    }

    #[test]
    fn a_block_needs_signal_in_every_pixel() {
        let (full, mut hole) = ([1.0f32; 9], [1.0f32; 9]);
        hole[5] = 0.0;
        let (post, mut pre): ([&[f32]; 9], [&[f32]; 9]) = ([&full; 9], [&full; 9]);
        pre[3] = &hole;
        let mut table = BlockTable::new(4, 1);
        table.add_rows(&post, &pre, 8);
        let seen: Vec<_> = table.blocks().iter().map(|b| (b.x, b.y, b.post)).collect();
        assert_eq!(seen, [(0, 2, 16.0), (0, 3, 16.0), (1, 3, 16.0)]);
    }
}
