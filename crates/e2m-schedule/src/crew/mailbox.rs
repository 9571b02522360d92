//! Orders for a thread that waits in `poll`: a channel, and a pipe that wakes the one who waits.

use rustix::io::ioctl_fionbio;
use std::io::{self, PipeReader, PipeWriter, Read, Write};
use std::sync::Arc;
use std::sync::mpsc::{Receiver, Sender, TryRecvError, channel};

/// Where orders are posted.
#[derive(Debug)]
pub(super) struct Letterbox<T> {
    orders: Sender<T>,
    bell: PipeWriter,
    /// Keeps the other end open, so that ringing for someone who has left is no error (and no SIGPIPE).
    _ear: Arc<PipeReader>,
}

/// Where orders arrive.
#[derive(Debug)]
pub(super) struct Mailbox<T> {
    orders: Receiver<T>,
    ear: Arc<PipeReader>,
}

/// Makes the two ends.
pub(super) fn mailbox<T>() -> io::Result<(Letterbox<T>, Mailbox<T>)> {
    let (ear, bell) = io::pipe()?;
    ioctl_fionbio(&ear, true)?;
    ioctl_fionbio(&bell, true)?;
    let ear = Arc::new(ear);
    let (sender, receiver) = channel();
    let letterbox = Letterbox {
        orders: sender,
        bell,
        _ear: Arc::clone(&ear),
    };
    let mailbox = Mailbox {
        orders: receiver,
        ear,
    };
    Ok((letterbox, mailbox))
}

impl<T> Letterbox<T> {
    /// Posts an order. One for someone who has left is lost, as it should be.
    pub(super) fn post(&self, order: T) {
        let _ = self.orders.send(order);
        // When the pipe is full it rings already.
        let _ = (&self.bell).write(&[1]);
    }
}

impl<T> Mailbox<T> {
    /// What becomes readable when there is something to take, or when the letterbox is gone.
    pub(super) fn ear(&self) -> &PipeReader {
        &self.ear
    }

    /// Falls silent until the next ring.
    pub(super) fn hush(&self) {
        let mut rings = [0; 64];
        while matches!((&*self.ear).read(&mut rings), Ok(read) if read == rings.len()) {}
    }

    /// The next order; an error says that none will ever come.
    pub(super) fn take(&self) -> Result<Option<T>, Abandoned> {
        match self.orders.try_recv() {
            Ok(order) => Ok(Some(order)),
            Err(TryRecvError::Empty) => Ok(None),
            Err(TryRecvError::Disconnected) => Err(Abandoned),
        }
    }
}

/// The letterbox is gone.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) struct Abandoned;

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn orders_arrive_in_order_and_the_end_is_known() {
        let (letterbox, mailbox) = mailbox().expect("a pipe");
        for order in 0..200 {
            letterbox.post(order);
        }
        mailbox.hush();
        let taken: Vec<i32> =
            std::iter::from_fn(|| mailbox.take().expect("letterbox lives")).collect();
        assert_eq!(taken, (0..200).collect::<Vec<_>>());
        drop(letterbox);
        assert_eq!(mailbox.take(), Err(Abandoned));
    }
}
