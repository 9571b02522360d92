//! The sizes of a task's images, from their headers.

use e2m_image::Size;
use e2m_io::RawImage;
use e2m_pipeline::TaskSpec;

/// The sizes of a task's images.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) struct TaskSize {
    post: Size,
    pre: Size,
    pad: usize,
}

impl TaskSize {
    /// Reads the headers; `None` where one cannot be read, which the task itself will report.
    pub(crate) fn of(task: &TaskSpec) -> Option<Self> {
        // What is odd about a file is told when the task reads it, and once is enough.
        let unheard = tracing::subscriber::NoSubscriber::default();
        tracing::subscriber::with_default(unheard, || Self::read(task))
    }

    fn read(task: &TaskSpec) -> Option<Self> {
        let size = |path| RawImage::open(path).ok().map(|image| image.info().size);
        Some(Self {
            post: size(&task.post)?,
            pre: size(&task.pre)?,
            pad: task.params.pad,
        })
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
    pub(crate) fn canvas_pixels(&self) -> f64 {
        self.canvas().pixels() as f64
    }

    /// The width of that of the images which has this height.
    pub(crate) fn width_of(&self, height: usize) -> usize {
        [self.canvas(), self.post, self.pre]
            .iter()
            .find(|size| size.height == height)
            .map_or(0, |size| size.width)
    }
}
