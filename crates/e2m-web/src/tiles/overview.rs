//! Overviews of whole images, made once and kept within a limit.

use super::OVERVIEW_STEP;
use crate::error::Refusal;
use crate::tasks::OpenTask;
use e2m_pipeline::{Region, StageImage};
use ndarray::{Array2, Axis};
use rayon::prelude::*;
use std::collections::HashMap;
use std::sync::{Arc, Mutex, PoisonError};

/// Rows of an overview that are made at a time.
const STRIP_ROWS: usize = 64;

/// Which image of which record.
type Key = (u64, StageImage);

/// The overviews that are kept. What has not been used for longest goes first.
#[derive(Debug)]
pub(crate) struct Overviews {
    limit_bytes: u64,
    kept: Mutex<Kept>,
}

#[derive(Debug, Default)]
struct Kept {
    slots: HashMap<Key, (u64, Arc<Slot>)>,
    clock: u64,
}

/// One of them: whoever comes while it is made waits for it.
#[derive(Debug, Default)]
struct Slot(Mutex<Option<Arc<Array2<f32>>>>);

impl Slot {
    fn bytes(&self) -> u64 {
        // One that is being made has no size yet, and is not taken away either.
        let made = self.0.try_lock().ok();
        let pixels = made.and_then(|made| made.as_ref().map(|made| made.len()));
        pixels.map_or(0, |pixels| 4 * pixels as u64)
    }
}

impl Overviews {
    pub(crate) fn new(limit_bytes: u64) -> Self {
        Self {
            limit_bytes,
            kept: Mutex::default(),
        }
    }

    /// That of an image, every 8 x 8 pixels as one. Reads the whole image the first time.
    pub(crate) fn of(
        &self,
        task: &OpenTask,
        image: StageImage,
    ) -> Result<Arc<Array2<f32>>, Refusal> {
        let slot = self.slot((task.version, image));
        let mut made = slot.0.lock().unwrap_or_else(PoisonError::into_inner);
        if let Some(overview) = made.as_ref() {
            return Ok(Arc::clone(overview));
        }
        let overview = Arc::new(whole(task, image)?);
        *made = Some(Arc::clone(&overview));
        drop(made);
        self.make_room((task.version, image));
        Ok(overview)
    }

    /// Whether that of an image is there.
    pub(crate) fn has(&self, task: &OpenTask, image: StageImage) -> bool {
        let slot = {
            let kept = self.kept.lock().unwrap_or_else(PoisonError::into_inner);
            let slot = kept.slots.get(&(task.version, image));
            slot.map(|(_, slot)| Arc::clone(slot))
        };
        slot.is_some_and(|slot| slot.bytes() > 0)
    }

    /// Bytes that all of them take.
    pub(crate) fn bytes(&self) -> u64 {
        let kept = self.kept.lock().unwrap_or_else(PoisonError::into_inner);
        kept.slots.values().map(|(_, slot)| slot.bytes()).sum()
    }

    fn slot(&self, key: Key) -> Arc<Slot> {
        let mut kept = self.kept.lock().unwrap_or_else(PoisonError::into_inner);
        kept.clock += 1;
        let now = kept.clock;
        let (used, slot) = kept.slots.entry(key).or_default();
        *used = now;
        Arc::clone(slot)
    }

    /// Lets go of what was used longest ago, but for one, until the rest is within the limit.
    fn make_room(&self, newest: Key) {
        let mut kept = self.kept.lock().unwrap_or_else(PoisonError::into_inner);
        loop {
            let slots = kept.slots.iter();
            let sizes: Vec<_> = slots
                .map(|(key, (used, slot))| (*used, *key, slot.bytes()))
                .collect();
            let total: u64 = sizes.iter().map(|(.., bytes)| bytes).sum();
            let others = sizes
                .into_iter()
                .filter(|(_, key, bytes)| *key != newest && *bytes > 0);
            let Some((_, oldest, _)) = others.min_by_key(|(used, ..)| *used) else {
                return;
            };
            if total <= self.limit_bytes {
                return;
            }
            kept.slots.remove(&oldest);
        }
    }
}

/// The whole image, every 8 x 8 pixels as one. Strips of it are read side by side.
fn whole(task: &OpenTask, image: StageImage) -> Result<Array2<f32>, Refusal> {
    let canvas = task.images.canvas();
    let step = OVERVIEW_STEP;
    let shape = (canvas.height.div_ceil(step), canvas.width.div_ceil(step));
    let mut overview = Array2::zeros(shape);
    let strips = overview.axis_chunks_iter_mut(Axis(0), STRIP_ROWS);
    let strips: Vec<_> = strips.enumerate().collect();
    strips.into_par_iter().try_for_each(|(index, mut strip)| {
        let y = index * STRIP_ROWS * step;
        let region = Region {
            x: 0,
            y,
            width: canvas.width,
            height: (STRIP_ROWS * step).min(canvas.height - y),
        };
        strip.assign(&task.images.read(image, region, step)?.pixels);
        Ok::<_, Refusal>(())
    })?;
    Ok(overview)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn what_was_used_longest_ago_makes_room() {
        let overviews = Overviews::new(900);
        for version in 0..3 {
            let slot = overviews.slot((version, StageImage::Post));
            *slot.0.lock().expect("a lock") = Some(Arc::new(Array2::zeros((10, 10))));
            overviews.slot((0, StageImage::Post)); // used again
            overviews.make_room((version, StageImage::Post));
        }
        assert_eq!(overviews.bytes(), 800);
        let kept = overviews.kept.lock().expect("a lock");
        let mut versions: Vec<u64> = kept.slots.keys().map(|(version, _)| *version).collect();
        versions.sort_unstable();
        assert_eq!(versions, [0, 2]);
    }
}
