//! Finding the few things that touch a row among very many.

/// Indices of things by the rows they cover.
#[derive(Debug, Clone)]
pub(crate) struct RowIndex {
    buckets: Vec<Vec<u32>>,
}

/// Rows per bucket.
const BUCKET: i64 = 64;

impl RowIndex {
    /// An index of things that cover the rows from `.0` to `.1` of an image of `height` rows.
    pub(crate) fn new(spans: impl Iterator<Item = (f64, f64)>, height: usize) -> Self {
        let mut index = Self {
            buckets: vec![Vec::new(); height.div_ceil(BUCKET as usize).max(1)],
        };
        for (i, (first, last)) in spans.enumerate() {
            for bucket in index.bucket(first.floor() as i64)..=index.bucket(last.ceil() as i64) {
                index.buckets[bucket].push(i as u32);
            }
        }
        index
    }

    /// Those that may touch `row`, in the order they were given. Rows beyond the image count as its first or last.
    pub(crate) fn near(&self, row: i64) -> impl Iterator<Item = usize> {
        self.buckets[self.bucket(row)].iter().map(|&i| i as usize)
    }

    fn bucket(&self, row: i64) -> usize {
        (row.max(0) / BUCKET).min(self.buckets.len() as i64 - 1) as usize
    }
}
