//! The joint histogram of aligned pre and post.

use super::levels::Levels;

/// Bins per axis of one shell, as a power of two.
const SHELL_BITS: u32 = 9;
const SHELL_SIDE: usize = 1 << SHELL_BITS;
const SHELL_CELLS: usize = SHELL_SIDE * SHELL_SIDE;
/// Shells until bins of `2^7` levels reach 65,535.
pub(crate) const MAX_SHELLS: usize = 8;

/// How many pixels have each pair of aligned pre and post brightness.
///
/// Counted in shells: shell `s` holds the pairs whose brighter level is below `512 * 2^s` and not below half of that, in
/// bins of `2^s` levels. So a pair is kept to 1/256 of its brighter member whatever the range turns out to be, memory
/// is 2 MiB for 8 bit data and 16 MiB for 16 bit, and [`JointHistogram::grid`] is exact for every width it offers.
#[derive(Debug, Clone, PartialEq)]
pub struct JointHistogram {
    levels: Levels,
    /// Flat: shell, post bin, pre bin.
    cells: Vec<u64>,
}

/// A square of the joint histogram from level 0 on.
#[derive(Debug, Clone, PartialEq)]
pub struct JointGrid {
    /// Levels per bin.
    pub bin_levels: usize,
    /// Pixels per bin, indexed `[post bin, pre bin]`; bin `b` begins half a level below level `b * bin_levels`.
    pub counts: ndarray::Array2<u64>,
    /// Pixels that are brighter than the grid in either image.
    pub beyond: u64,
}

/// Where the pair of levels is counted.
#[inline]
pub(crate) fn cell_of(pre: u16, post: u16) -> usize {
    let brighter = u32::from(pre | post);
    // The number of bits beyond those of one shell: OR has the highest bit of the larger.
    let shell = (32 - brighter.leading_zeros()).saturating_sub(SHELL_BITS);
    let bin = |level: u16| (u32::from(level) >> shell) as usize;
    (shell as usize) << (2 * SHELL_BITS) | bin(post) << SHELL_BITS | bin(pre)
}

/// Whether levels whose bits are among `bits` are all below 512.
#[inline]
pub(crate) fn in_first_shell(bits: u16) -> bool {
    usize::from(bits) < SHELL_SIDE
}

/// [`cell_of`] for levels below 512.
#[inline]
pub(crate) fn first_shell_cell_of(pre: u16, post: u16) -> usize {
    usize::from(post) << SHELL_BITS | usize::from(pre)
}

/// Cells needed to count pairs whose levels, joined by OR, do not exceed `brightest`.
#[inline]
pub(crate) fn cells_up_to(brightest: u16) -> usize {
    ((cell_of(brightest, 0) >> (2 * SHELL_BITS)) + 1) * SHELL_CELLS
}

impl JointHistogram {
    pub(crate) fn new(levels: Levels) -> Self {
        Self {
            levels,
            cells: Vec::new(),
        }
    }

    pub(crate) fn add_cells(&mut self, cells: impl ExactSizeIterator<Item = u64>) {
        if self.cells.len() < cells.len() {
            self.cells.resize(cells.len(), 0);
        }
        for (sum, more) in self.cells.iter_mut().zip(cells) {
            *sum += more;
        }
    }

    /// Adds the counts of another histogram of the same levels.
    pub fn merge(&mut self, other: &Self) {
        self.add_cells(other.cells.iter().copied());
    }

    /// The levels it counts.
    pub fn levels(&self) -> Levels {
        self.levels
    }

    /// Pixels in all.
    pub fn total(&self) -> u64 {
        self.cells.iter().sum()
    }

    /// The grid of 512 x 512 bins that reaches to level `512 * 2^shell`; `shell` is 7 at most.
    pub fn grid(&self, shell: usize) -> JointGrid {
        let shell = shell.min(MAX_SHELLS - 1);
        let mut counts = ndarray::Array2::zeros((SHELL_SIDE, SHELL_SIDE));
        let mut beyond = 0;
        for (s, cells) in self.cells.chunks_exact(SHELL_CELLS).enumerate() {
            if s > shell {
                beyond += cells.iter().sum::<u64>();
                continue;
            }
            let halvings = shell - s;
            for (i, &count) in cells.iter().enumerate().filter(|(_, c)| **c > 0) {
                let (post, pre) = (i >> SHELL_BITS, i & (SHELL_SIDE - 1));
                counts[(post >> halvings, pre >> halvings)] += count;
            }
        }
        JointGrid {
            bin_levels: 1 << shell,
            counts,
            beyond,
        }
    }

    /// The finest grid that leaves out at most `share` of the pixels.
    pub fn grid_covering(&self, share: f64) -> JointGrid {
        let allowed = (self.total() as f64 * share) as u64;
        let mut beyond: u64 = 0;
        let shells = self.cells.chunks_exact(SHELL_CELLS);
        let mut shell = shells.len().saturating_sub(1);
        for cells in shells.rev() {
            beyond += cells.iter().sum::<u64>();
            if beyond > allowed || shell == 0 {
                break;
            }
            shell -= 1;
        }
        self.grid(shell)
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn counted(pairs: &[(u16, u16)]) -> JointHistogram {
        let mut cells = vec![0u64; MAX_SHELLS * SHELL_CELLS];
        for &(pre, post) in pairs {
            cells[cell_of(pre, post)] += 1;
        }
        let mut histogram = JointHistogram::new(Levels::COUNTS);
        histogram.add_cells(cells.into_iter());
        histogram
    }

    #[test]
    fn every_grid_is_the_plain_count_of_what_it_reaches() {
        let pairs: Vec<(u16, u16)> = (0..40_000u32)
            .map(|i| {
                let bits = i % 17;
                let r = i.wrapping_mul(2_654_435_761);
                let mask = ((1u32 << bits) - 1) as u16;
                ((r >> 16) as u16 & mask, r as u16 & mask)
            })
            .collect();
        let histogram = counted(&pairs);
        for shell in 0..MAX_SHELLS {
            let grid = histogram.grid(shell);
            let mut plain = ndarray::Array2::<u64>::zeros((512, 512));
            let mut beyond = 0;
            for &(pre, post) in &pairs {
                let bin = |level: u16| usize::from(level) >> shell;
                match plain.get_mut((bin(post), bin(pre))) {
                    Some(count) => *count += 1,
                    None => beyond += 1,
                }
            }
            assert_eq!(grid.beyond, beyond);
            assert_eq!(grid.counts, plain);
        }
    }

    #[test]
    fn the_range_is_as_fine_as_the_data_allow() {
        let mut pairs = vec![(200u16, 255u16); 999];
        pairs.push((60_000, 3));
        let histogram = counted(&pairs);
        let fine = histogram.grid_covering(0.01);
        assert_eq!((fine.bin_levels, fine.beyond), (1, 1));
        let all = histogram.grid_covering(0.0);
        assert_eq!((all.bin_levels, all.beyond), (128, 0));
        let empty = JointHistogram::new(Levels::COUNTS).grid_covering(0.0);
        assert_eq!((empty.bin_levels, empty.counts.sum()), (1, 0));
    }

    #[test]
    fn memory_follows_the_brightest_level() {
        assert_eq!(cells_up_to(255), SHELL_CELLS);
        assert_eq!(cells_up_to(512), 2 * SHELL_CELLS);
        assert_eq!(cells_up_to(65_535), MAX_SHELLS * SHELL_CELLS);
    }
}
