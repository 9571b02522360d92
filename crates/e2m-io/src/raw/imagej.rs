//! What ImageJ writes into the description of the first page: `ImageJ=1.53t`, then a line for each fact.

use super::ome::micrometres;

/// The facts that say which image is which, and how large a pixel is.
#[derive(Debug, Clone, PartialEq)]
pub(crate) struct ImageJ {
    /// Images in the file, of which those behind the first may have no page of their own.
    pub(crate) images: usize,
    pub(crate) channels: usize,
    /// Planes along z and along time.
    pub(crate) depth: [usize; 2],
    /// Micrometres of the unit that the resolution tags count in.
    pub(crate) unit_um: Option<f64>,
}

impl ImageJ {
    /// Reads a description; `None` where it is another program's.
    pub(crate) fn read(description: &str) -> Option<Self> {
        if !description.starts_with("ImageJ=") {
            return None;
        }
        let fact = |name: &str| {
            let mut lines = description.lines();
            lines.find_map(|line| line.strip_prefix(name)?.strip_prefix('='))
        };
        let count = |name: &str| fact(name).and_then(|n| n.trim().parse().ok()).unwrap_or(1);
        Some(Self {
            images: count("images"),
            channels: count("channels"),
            depth: [count("slices"), count("frames")],
            unit_um: fact("unit").and_then(micrometres),
        })
    }

    /// Whether channels, planes and times together are all images.
    pub(crate) fn is_consistent(&self) -> bool {
        let all = self.channels.checked_mul(self.depth[0]);
        all.and_then(|all| all.checked_mul(self.depth[1])) == Some(self.images)
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_hyperstack_is_understood() {
        let text = "ImageJ=1.53t\nimages=12\nchannels=3\nslices=4\nhyperstack=true\nunit=\\u00B5m\nloop=false\n";
        let found = ImageJ::read(text).expect("ImageJ");
        assert_eq!((found.channels, found.depth, found.images), (3, [4, 1], 12));
        assert!(found.is_consistent() && found.unit_um == Some(1.0));
        assert_eq!(ImageJ::read("SCN"), None);
    }
}
