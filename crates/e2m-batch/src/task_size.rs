//! The sizes of a task's images, from their headers.

use e2m_image::Size;
use e2m_pipeline::TaskPreview;

/// The sizes of a task's images.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct TaskSize {
    post: Size,
    pre: Size,
    pad: usize,
}

impl TaskSize {
    /// From what is known of a task.
    pub(crate) fn of(preview: &TaskPreview) -> Self {
        Self {
            post: preview.post,
            pre: preview.pre,
            pad: preview.memory.pad,
        }
    }

    /// Images of this size, without padding.
    #[cfg(test)]
    pub(crate) fn for_test(width: usize, height: usize) -> Self {
        let size = Size::new(width, height);
        Self {
            post: size,
            pre: size,
            pad: 0,
        }
    }

    fn canvas(&self) -> Size {
        let larger = self.post.max(self.pre);
        Size::new(larger.width + 2 * self.pad, larger.height + 2 * self.pad)
    }

    /// Pixels of the canvas, to which the time a task takes is about proportional.
    pub fn canvas_pixels(&self) -> f64 {
        self.canvas().pixels() as f64
    }

    /// The width of that of the images which has this height.
    pub fn width_of(&self, height: usize) -> usize {
        [self.canvas(), self.post, self.pre]
            .iter()
            .find(|size| size.height == height)
            .map_or(0, |size| size.width)
    }
}
