//! What tells the raw images of tasks apart.

use e2m_io::{ChannelRequest, ContentHash, PageRequest};
use e2m_pipeline::Manifest;

/// What a task reads of a raw file.
#[derive(Debug, Clone, PartialEq, Eq, Hash)]
pub(crate) struct RawContent {
    hash: ContentHash,
    /// The page and the channel, where somebody asked for one: a file may hold several dyes.
    asked_for: Option<(usize, String)>,
}

impl RawContent {
    /// Those of post and pre of a task.
    pub(crate) fn of_task(manifest: &Manifest) -> [Self; 2] {
        let (inputs, params) = (&manifest.inputs, &manifest.params);
        let [post, pre] = [&inputs.post, &inputs.pre];
        let [post_channel, pre_channel] = params.channels();
        let [post_page, pre_page] = params.pages();
        [
            (post, post_channel, post_page),
            (pre, pre_channel, pre_page),
        ]
        .map(|(input, channel, page)| {
            let is_asked_for = *channel != ChannelRequest::Auto || *page != PageRequest::Auto;
            let read = || {
                (
                    input.channels.page,
                    format!("{} {}", input.channels.sample, input.channel),
                )
            };
            Self {
                hash: input.hash,
                asked_for: is_asked_for.then(read),
            }
        })
    }
}
