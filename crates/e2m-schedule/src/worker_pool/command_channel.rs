//! A channel for a thread that waits in `poll`: every command also writes to a pipe, which wakes that thread.

use rustix::io::ioctl_fionbio;
use std::io::{self, PipeReader, PipeWriter, Read, Write};
use std::sync::Arc;
use std::sync::mpsc::{Receiver, Sender, TryRecvError, channel};

/// The sending end.
#[derive(Debug)]
pub(super) struct CommandSender<T> {
    commands: Sender<T>,
    wake_tx: PipeWriter,
    /// Keeps the reading end open, so that waking a receiver that is gone is no error (and no SIGPIPE).
    _wake_rx: Arc<PipeReader>,
}

/// The receiving end.
#[derive(Debug)]
pub(super) struct CommandReceiver<T> {
    commands: Receiver<T>,
    wake_rx: Arc<PipeReader>,
}

/// Makes the two ends of a channel.
pub(super) fn command_channel<T>() -> io::Result<(CommandSender<T>, CommandReceiver<T>)> {
    let (wake_rx, wake_tx) = io::pipe()?;
    ioctl_fionbio(&wake_rx, true)?;
    ioctl_fionbio(&wake_tx, true)?;
    let wake_rx = Arc::new(wake_rx);
    let (commands_tx, commands_rx) = channel();
    let sender = CommandSender {
        commands: commands_tx,
        wake_tx,
        _wake_rx: Arc::clone(&wake_rx),
    };
    let receiver = CommandReceiver {
        commands: commands_rx,
        wake_rx,
    };
    Ok((sender, receiver))
}

impl<T> CommandSender<T> {
    /// Sends a command. One for a receiver that is gone is dropped.
    pub(super) fn send(&self, command: T) {
        let _ = self.commands.send(command);
        // A full pipe is readable already.
        let _ = (&self.wake_tx).write(&[1]);
    }
}

impl<T> CommandReceiver<T> {
    /// What becomes readable when a command was sent, or when the sender is gone.
    pub(super) fn wake_rx(&self) -> &PipeReader {
        &self.wake_rx
    }

    /// Empties the pipe, so that it is readable again only after the next command.
    pub(super) fn drain(&self) {
        let mut bytes = [0; 64];
        while matches!((&*self.wake_rx).read(&mut bytes), Ok(read) if read == bytes.len()) {}
    }

    /// The next command, if there is one; an error says that none will ever come.
    pub(super) fn try_recv(&self) -> Result<Option<T>, Disconnected> {
        match self.commands.try_recv() {
            Ok(command) => Ok(Some(command)),
            Err(TryRecvError::Empty) => Ok(None),
            Err(TryRecvError::Disconnected) => Err(Disconnected),
        }
    }
}

/// The sender is gone.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) struct Disconnected;

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn commands_arrive_in_order_and_the_end_is_known() {
        let (sender, receiver) = command_channel().expect("a pipe");
        for command in 0..200 {
            sender.send(command);
        }
        receiver.drain();
        let received: Vec<i32> =
            std::iter::from_fn(|| receiver.try_recv().expect("the sender lives")).collect();
        assert_eq!(received, (0..200).collect::<Vec<_>>());
        drop(sender);
        assert_eq!(receiver.try_recv(), Err(Disconnected));
    }
}
