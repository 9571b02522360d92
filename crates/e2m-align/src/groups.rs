//! Whether tiles that disagree lie together more than chance puts them.
//!
//! Dust, noise and bare regions make single tiles disagree anywhere. A part of the section that moved makes neighbours disagree.
//! How closely the closest group of neighbours is knit, by its links between neighbours, is compared with what it is when as many tiles
//! are drawn at random: a scan statistic whose distribution is that of this very layout of tiles. Links tell more than tiles where
//! half of the tiles disagree: then most of them are one group by chance, but a loose one.

use crate::tiles::TileSpec;

/// Neighbours of a tile.
const NEIGHBOURS: usize = 4;
/// Tiles farther apart than this many times the usual distance of neighbours are none.
const FAR: f64 = 2.5;
/// Draws of tiles at random; enough for a chance of one in a hundred.
const DRAWS: usize = 999;

/// Which tiles are neighbours of which.
#[derive(Debug, Clone, Default)]
pub(crate) struct Neighbours {
    of: Vec<Vec<usize>>,
}

impl Neighbours {
    /// Each tile with the four that are nearest to it, and those that it is one of the four nearest of.
    pub(crate) fn of(tiles: &[TileSpec]) -> Self {
        let nearest: Vec<Vec<(f64, usize)>> = (0..tiles.len()).map(|i| nearest(tiles, i)).collect();
        let mut firsts: Vec<f64> = nearest.iter().filter_map(|n| Some(n.first()?.0)).collect();
        firsts.sort_unstable_by(f64::total_cmp);
        let usual = firsts.get(firsts.len() / 2).copied().unwrap_or(0.0);
        let mut of = vec![Vec::new(); tiles.len()];
        for (i, near) in nearest.iter().enumerate() {
            for &(distance, j) in near {
                if distance <= FAR * usual {
                    of[i].push(j);
                    of[j].push(i);
                }
            }
        }
        for near in &mut of {
            near.sort_unstable();
            near.dedup();
        }
        Self { of }
    }

    /// Whether two tiles are neighbours.
    pub(crate) fn are_near(&self, i: usize, j: usize) -> bool {
        self.of.get(i).is_some_and(|near| near.contains(&j))
    }

    /// The neighbours of a tile.
    pub(crate) fn near(&self, i: usize) -> &[usize] {
        self.of.get(i).map_or(&[], Vec::as_slice)
    }

    /// The marked tiles, as groups of neighbours: the largest first.
    pub(crate) fn groups(&self, marked: &[bool]) -> Vec<Vec<usize>> {
        let mut seen = vec![false; marked.len()];
        let mut groups = Vec::new();
        for start in 0..marked.len() {
            if !marked[start] || seen[start] {
                continue;
            }
            seen[start] = true;
            let mut group = vec![start];
            let mut next = 0;
            while let Some(&tile) = group.get(next) {
                next += 1;
                for &other in self.near(tile) {
                    if marked[other] && !seen[other] {
                        seen[other] = true;
                        group.push(other);
                    }
                }
            }
            groups.push(group);
        }
        groups.sort_by_key(|group| std::cmp::Reverse(group.len()));
        groups
    }

    /// Links between neighbours within a group.
    pub(crate) fn links(&self, group: &[usize]) -> usize {
        let mut within = vec![false; self.of.len()];
        for &tile in group {
            within[tile] = true;
        }
        let ends = group.iter().flat_map(|&tile| self.near(tile));
        ends.filter(|&&other| within[other]).count() / 2
    }

    /// From how many links on, and from how many tiles on, a group is more than any of `marked` tiles drawn at random, in all but
    /// half of `share` of the draws each.
    pub(crate) fn beyond_chance(&self, marked: usize, share: f64) -> (usize, usize) {
        let n = self.of.len();
        let mut most: Vec<usize> = Vec::with_capacity(DRAWS);
        let mut largest: Vec<usize> = Vec::with_capacity(DRAWS);
        let mut order: Vec<usize> = (0..n).collect();
        let mut state = 1u64;
        for _ in 0..DRAWS {
            let mut drawn = vec![false; n];
            for k in 0..marked.min(n) {
                // Knuth's linear congruential generator; its upper bits are the random ones.
                state = state
                    .wrapping_mul(6_364_136_223_846_793_005)
                    .wrapping_add(1_442_695_040_888_963_407);
                order.swap(k, k + (state >> 33) as usize % (n - k));
                drawn[order[k]] = true;
            }
            let groups = self.groups(&drawn);
            let links = groups.iter().map(|group| self.links(group));
            most.push(links.max().unwrap_or(0));
            largest.push(groups.first().map_or(0, Vec::len));
        }
        let allowed = (share / 2.0 * (DRAWS + 1) as f64) as usize;
        let beyond = |mut found: Vec<usize>| {
            found.sort_unstable();
            found[DRAWS.saturating_sub(allowed.max(1))] + 1
        };
        (beyond(most), beyond(largest))
    }

    /// The links alone.
    #[cfg(test)]
    fn links_beyond_chance(&self, marked: usize, share: f64) -> usize {
        self.beyond_chance(marked, share).0
    }
}

/// The tiles nearest to tile `i`, with their distances.
fn nearest(tiles: &[TileSpec], i: usize) -> Vec<(f64, usize)> {
    let (x, y) = tiles[i].centre();
    let mut others: Vec<(f64, usize)> = (0..tiles.len())
        .filter(|&other| other != i)
        .map(|other| {
            let (u, v) = tiles[other].centre();
            ((u - x).hypot(v - y), other)
        })
        .collect();
    others.sort_by(|a, b| a.0.total_cmp(&b.0));
    others.truncate(NEIGHBOURS);
    others
}

#[cfg(test)]
mod tests {
    use super::*;

    const GRID: usize = 12;

    fn grid() -> Neighbours {
        let tiles: Vec<TileSpec> = (0..GRID * GRID)
            .map(|i| TileSpec {
                x: 100 * (i % GRID),
                y: 100 * (i / GRID),
                side_px: 96,
            })
            .collect();
        Neighbours::of(&tiles)
    }

    /// The groups of `marked` tiles of the grid.
    fn tiles(marked: impl Fn(usize, usize) -> bool) -> Vec<bool> {
        (0..GRID * GRID)
            .map(|i| marked(i % GRID, i / GRID))
            .collect()
    }

    #[test]
    fn few_tiles_need_few_links_and_many_tiles_many() {
        let near = grid();
        let links = [3, 8, 20, 40].map(|marked| near.links_beyond_chance(marked, 0.01));
        assert!(links.is_sorted(), "{links:?}");
        assert!(links[0] <= 3 && links[2] >= 5, "{links:?}");
        assert_eq!(near.links_beyond_chance(0, 0.01), 1);
    }

    #[test]
    fn a_region_of_any_size_is_beyond_chance() {
        let near = grid();
        for side in 2..=9 {
            let square = tiles(|x, y| (1..=side).contains(&x) && (2..2 + side).contains(&y));
            let limit = near.links_beyond_chance(side * side, 0.005);
            let found = near.links(&near.groups(&square)[0]);
            assert!(found >= limit, "{side}: {found} links, {limit} are needed");
        }
    }

    #[test]
    fn chance_reaches_the_links_as_seldom_as_is_asked() {
        let near = grid();
        let mut state = 77u64;
        for marked in [6, 15, 30, 70] {
            let limit = near.links_beyond_chance(marked, 0.01);
            let beyond = (0..2000).filter(|_| {
                let mut drawn = vec![false; GRID * GRID];
                let mut left = marked;
                while left > 0 {
                    state = state
                        .wrapping_mul(6_364_136_223_846_793_005)
                        .wrapping_add(99_991);
                    let at = (state >> 33) as usize % drawn.len();
                    left -= usize::from(!drawn[at]);
                    drawn[at] = true;
                }
                let groups = near.groups(&drawn);
                groups.iter().any(|group| near.links(group) >= limit)
            });
            let beyond = beyond.count();
            assert!(beyond <= 40, "{marked}: {beyond} of 2000 reach {limit}");
        }
    }

    #[test]
    fn groups_are_neighbours_that_are_marked() {
        let near = grid();
        let mut marked = vec![false; GRID * GRID];
        for tile in [0, 1, GRID, 50, 51, 100] {
            marked[tile] = true;
        }
        let sizes: Vec<usize> = near.groups(&marked).iter().map(Vec::len).collect();
        assert_eq!(sizes, [3, 2, 1]);
    }
}
