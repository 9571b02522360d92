//! A batch of image pairs, run as a library.
