//! CFITSIO behind a safe type: every call into the C library is here.
//!
//! The safe types of the `fitsio` crate will not do. They open files by CFITSIO's extended names, in which brackets,
//! parentheses and `!` of a sample's name mean something. They drop errors of closing, which is when the last rows are
//! written.
//!
//! Every call holds one lock for the whole process. CFITSIO keeps its table of open files and its stack of error messages
//! in global memory. Only some builds guard the table, and no build tells the messages of one thread from another's. With
//! the lock it does not matter how the library was built, and an error carries its own messages.
#![expect(unsafe_code, reason = "CFITSIO is a C library")]

use fitsio::sys;
use std::ffi::{CStr, CString, c_char, c_int};
use std::io;
use std::path::Path;
use std::ptr::{self, NonNull};
use std::sync::{Mutex, PoisonError};

/// Held during every call.
static LIBRARY: Mutex<()> = Mutex::new(());

/// Room for a card or an error message and its terminating zero, with some to spare.
const TEXT_BYTES: usize = 256;

/// What CFITSIO said when it failed.
///
/// As an [`io::Error`], which is how it travels, it keeps the kind of the system's error behind it, such as a full disk.
#[derive(Debug, thiserror::Error)]
#[error(
    "CFITSIO cannot {action}: {text} (status {status}){}{}",
    detail(messages),
    detail(system)
)]
pub struct CfitsioError {
    /// What was asked of it.
    pub action: &'static str,
    /// Its number for what went wrong.
    pub status: i32,
    /// Its name for that.
    pub text: String,
    /// What else it had to say, the oldest first.
    pub messages: Vec<String>,
    /// What the operating system said, where it was a matter of reading or writing.
    pub system: Option<io::Error>,
}

/// `; this; that`
fn detail<'a, T: std::fmt::Display + 'a>(parts: impl IntoIterator<Item = &'a T>) -> String {
    parts.into_iter().map(|part| format!("; {part}")).collect()
}

impl From<CfitsioError> for io::Error {
    fn from(error: CfitsioError) -> Self {
        let kind = match &error.system {
            Some(system) => system.kind(),
            None if error.status == sys::END_OF_FILE as i32 => io::ErrorKind::UnexpectedEof,
            None => io::ErrorKind::Other,
        };
        Self::new(kind, error)
    }
}

impl CfitsioError {
    /// Why a call failed; the lock is still held, so that the messages are those of the call.
    fn of(action: &'static str, status: c_int) -> Self {
        let system = io::Error::last_os_error();
        let from_system = [
            sys::FILE_NOT_OPENED,
            sys::FILE_NOT_CREATED,
            sys::WRITE_ERROR,
            sys::READ_ERROR,
            sys::FILE_NOT_CLOSED,
            sys::SEEK_ERROR,
        ]
        .contains(&(status as u32));
        let mut buffer = Buffer::new();
        // SAFETY: the buffer is larger than the 31 bytes that are written at most.
        unsafe { sys::ffgerr(status, buffer.pointer()) };
        let text = buffer.text();
        let mut messages = Vec::new();
        loop {
            let mut buffer = Buffer::new();
            // SAFETY: the buffer is larger than the 81 bytes that are written at most.
            if unsafe { sys::ffgmsg(buffer.pointer()) } == 0 {
                break;
            }
            messages.push(buffer.text().trim().to_owned());
        }
        Self {
            action,
            status,
            text,
            messages,
            system: from_system.then_some(system),
        }
    }
}

/// Where CFITSIO puts a text.
struct Buffer([u8; TEXT_BYTES]);

impl Buffer {
    fn new() -> Self {
        Self([0; TEXT_BYTES])
    }

    fn pointer(&mut self) -> *mut c_char {
        self.0.as_mut_ptr().cast()
    }

    fn text(&self) -> String {
        let text = CStr::from_bytes_until_nul(&self.0).unwrap_or_default();
        text.to_string_lossy().into_owned()
    }
}

/// Makes one call; what `function` leaves in its argument is the status.
fn call(action: &'static str, function: impl FnOnce(&mut c_int)) -> Result<(), CfitsioError> {
    let _turn = LIBRARY.lock().unwrap_or_else(PoisonError::into_inner);
    // SAFETY: it only forgets messages, and nobody else is in the library.
    unsafe { sys::ffcmsg() };
    let mut status = 0;
    function(&mut status);
    if status > 0 {
        Err(CfitsioError::of(action, status))
    } else {
        Ok(())
    }
}

/// What is to be done with a file.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) enum Access {
    Read,
    Write,
}

/// The first unit of a FITS file, open.
#[derive(Debug)]
pub(crate) struct FitsFile {
    /// `None` once it is closed.
    handle: Option<NonNull<sys::fitsfile>>,
}

// SAFETY: CFITSIO ties a handle to no thread, a file is opened for writing only once (it has a name of its own), and all
// calls are made under a lock.
unsafe impl Send for FitsFile {}
// SAFETY: as above; and nothing can be done with a handle that is shared.
unsafe impl Sync for FitsFile {}

impl FitsFile {
    /// Opens a file that is there and begins with a header, by its literal name.
    ///
    /// One to be written has to be as long as its header says: closing would fill it up.
    pub(crate) fn open(path: &Path, access: Access) -> io::Result<Self> {
        let name = literal(path)?;
        let mode = match access {
            Access::Read => sys::READONLY,
            Access::Write => sys::READWRITE,
        };
        let mut handle = ptr::null_mut();
        call("open the file", |status| {
            // SAFETY: the name ends in a zero and outlives the call, which sets the handle.
            unsafe { sys::ffdkopn(&raw mut handle, name.as_ptr(), mode as c_int, status) };
        })?;
        Ok(Self {
            handle: NonNull::new(handle),
        })
    }

    fn handle(&self) -> *mut sys::fitsfile {
        // CFITSIO reports a null pointer as an error.
        self.handle.map_or(ptr::null_mut(), NonNull::as_ptr)
    }

    /// The cards of the header before END, without trailing spaces.
    pub(crate) fn cards(&mut self) -> io::Result<Vec<String>> {
        let (mut count, mut room) = (0, 0);
        call("count the header's cards", |status| {
            // SAFETY: the handle is open; both numbers are set.
            unsafe { sys::ffghsp(self.handle(), &raw mut count, &raw mut room, status) };
        })?;
        let mut cards = Vec::new();
        for number in 1..=count {
            let mut buffer = Buffer::new();
            call("read a card", |status| {
                // SAFETY: the handle is open and the buffer larger than the 81 bytes that are written at most.
                unsafe { sys::ffgrec(self.handle(), number, buffer.pointer(), status) };
            })?;
            cards.push(buffer.text());
        }
        Ok(cards)
    }

    /// BITPIX, NAXIS, NAXIS1 and NAXIS2.
    pub(crate) fn image(&mut self) -> io::Result<(i32, i32, [i64; 2])> {
        let (mut bitpix, mut axes, mut lengths) = (0, 0, [0; 2]);
        call("read the size of the image", |status| {
            // SAFETY: the handle is open; no more lengths are set than there is room for.
            unsafe {
                sys::ffgiprll(
                    self.handle(),
                    lengths.len() as c_int,
                    &raw mut bitpix,
                    &raw mut axes,
                    lengths.as_mut_ptr(),
                    status,
                );
            }
        })?;
        Ok((bitpix, axes, lengths))
    }

    /// Adds a card of 80 characters to the end of the header.
    pub(crate) fn write_card(&mut self, card: &str) -> io::Result<()> {
        let card = CString::new(card)?;
        call("write a card", |status| {
            // SAFETY: the handle is open, and the card ends in a zero.
            unsafe { sys::ffprec(self.handle(), card.as_ptr(), status) };
        })?;
        Ok(())
    }

    /// Reads pixels from the one numbered `first` on, bit for bit.
    pub(crate) fn read_pixels(&mut self, first: u64, pixels: &mut [f32]) -> io::Result<()> {
        let mut undefined = 0;
        call("read pixels", |status| {
            // SAFETY: the handle is open, and as many pixels are written as the slice has. No value stands for NaN.
            unsafe {
                sys::ffgpve(
                    self.handle(),
                    1,
                    first as i64 + 1,
                    pixels.len() as i64,
                    0.0,
                    pixels.as_mut_ptr(),
                    &raw mut undefined,
                    status,
                );
            }
        })?;
        Ok(())
    }

    /// Writes what is left and closes the file.
    pub(crate) fn close(mut self) -> io::Result<()> {
        self.close_handle()?;
        Ok(())
    }

    fn close_handle(&mut self) -> Result<(), CfitsioError> {
        let Some(handle) = self.handle.take() else {
            return Ok(());
        };
        call("close the file", |status| {
            // SAFETY: the handle is open, and nobody uses it again, whether the call succeeds or not.
            unsafe { sys::ffclos(handle.as_ptr(), status) };
        })
    }

    /// Whether CFITSIO finds DATASUM and CHECKSUM right.
    #[cfg(test)]
    pub(crate) fn checksums_are_right(&mut self) -> io::Result<(bool, bool)> {
        let (mut data, mut unit) = (0, 0);
        call("verify the checksums", |status| {
            // SAFETY: the handle is open; both numbers are set.
            unsafe { sys::ffvcks(self.handle(), &raw mut data, &raw mut unit, status) };
        })?;
        Ok((data == 1, unit == 1))
    }
}

impl Drop for FitsFile {
    fn drop(&mut self) {
        if let Err(error) = self.close_handle() {
            tracing::debug!(%error, "a FITS file that is not needed any more");
        }
    }
}

/// The sixteen characters of a CHECKSUM card for a unit that otherwise adds up to `sum`.
pub(crate) fn checksum_characters(sum: u32) -> String {
    let mut buffer = Buffer::new();
    // SAFETY: the buffer is larger than the 17 bytes that are written; no memory is shared.
    unsafe { sys::ffesum(sum.into(), 1, buffer.pointer()) };
    buffer.text()
}

/// The name of a file for `ffdkopn`, which takes it literally but for spaces and `~` at its beginning.
fn literal(path: &Path) -> io::Result<CString> {
    let path = if path.is_relative() {
        &Path::new(".").join(path)
    } else {
        path
    };
    Ok(CString::new(path.as_os_str().as_encoded_bytes())?)
}

#[cfg(test)]
mod tests {
    use super::*;
    use std::fs;

    /// A header of one block for an image of floats, without pixels.
    fn header(width: usize, height: usize) -> String {
        let cards = [
            "SIMPLE  =                    T".to_owned(),
            "BITPIX  =                  -32".to_owned(),
            "NAXIS   =                    2".to_owned(),
            format!("NAXIS1  = {width:>20}"),
            format!("NAXIS2  = {height:>20}"),
            "END".to_owned(),
        ];
        let text: String = cards.iter().map(|card| format!("{card:<80}")).collect();
        format!("{text:<2880}")
    }

    fn cfitsio(error: &io::Error) -> &CfitsioError {
        error
            .get_ref()
            .and_then(|inner| inner.downcast_ref())
            .expect("an error of CFITSIO")
    }

    #[test]
    fn an_error_carries_its_own_words_and_the_system_s() {
        let folder = tempfile::tempdir().expect("folder");
        let path = folder.path().join("gone/[1].fits");
        let error = FitsFile::open(&path, Access::Write).expect_err("no folder");
        assert_eq!(error.kind(), io::ErrorKind::NotFound);
        assert_eq!(cfitsio(&error).status, sys::FILE_NOT_OPENED as i32);
        let text = error.to_string();
        assert!(text.contains("could not open the named file"), "{text}");
        assert!(text.contains("failed to find or open"), "{text}");
        assert!(text.contains("gone/[1].fits"), "{text}");
    }

    #[test]
    fn errors_of_threads_are_kept_apart() {
        let folder = tempfile::tempdir().expect("folder");
        let folder = folder.path();
        std::thread::scope(|scope| {
            for thread in 0..4 {
                scope.spawn(move || {
                    let name = format!("none{thread}.fits");
                    for _ in 0..200 {
                        let error = FitsFile::open(&folder.join(&name), Access::Read)
                            .expect_err("no such file");
                        let messages = &cfitsio(&error).messages;
                        let named = messages.iter().filter(|m| m.contains("none"));
                        assert!(named.clone().all(|m| m.contains(&name)), "{error}");
                        assert!(named.count() > 0, "{error}");
                    }
                });
            }
        });
    }

    #[test]
    fn pixels_beyond_the_end_are_an_error() {
        let folder = tempfile::tempdir().expect("folder");
        let path = folder.path().join("short.fits");
        fs::write(&path, header(100, 100)).expect("writes");
        let mut file = FitsFile::open(&path, Access::Read).expect("opens");
        assert_eq!(file.image().expect("an image"), (-32, 2, [100, 100]));
        let error = file.read_pixels(0, &mut [0.0; 100]).expect_err("no pixels");
        assert_eq!(error.kind(), io::ErrorKind::UnexpectedEof, "{error}");
    }

    #[test]
    fn names_are_taken_literally() {
        let name = |path: &str| literal(Path::new(path)).expect("a name").into_string();
        assert_eq!(name("~/a.fits").as_deref(), Ok("./~/a.fits"));
        assert_eq!(name(" a.fits").as_deref(), Ok("./ a.fits"));
        assert_eq!(name("/x/ a[1].fits").as_deref(), Ok("/x/ a[1].fits"));
        assert!(literal(Path::new("a\0b")).is_err());
    }
}
