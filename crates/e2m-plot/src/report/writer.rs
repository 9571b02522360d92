//! Writing the page, one task at a time.

use super::model::{ReportHead, TaskSection};
use super::pages::Pages;
use super::view::{FootView, HeadView, PageView, STYLE, SectionView};
use askama::Template;
use std::io::{self, Write};
use thiserror::Error;

/// Why a report could not be written.
#[derive(Debug, Error)]
pub enum ReportError {
    /// The writer failed.
    #[error("the report could not be written: {0}")]
    Write(#[from] io::Error),
    /// A section is of no task of the batch.
    #[error("the report was given pictures of task {row}, but has {rows} tasks")]
    NoSuchTask {
        /// The place asked for, from 0 on.
        row: usize,
        /// How many tasks there are.
        rows: usize,
    },
    /// There is no such page.
    #[error("page {number} of the report was asked for, which has {count}")]
    NoSuchPage {
        /// The place asked for, from 0 on.
        number: usize,
        /// How many pages there are.
        count: usize,
    },
    /// A task was given twice.
    #[error("the report was given task {row} twice")]
    Twice {
        /// Its place, from 0 on.
        row: usize,
    },
}

/// Writes a report: the table of all tasks first, then section by section, so that the pictures of only one task are in
/// memory at a time.
///
/// Sections stand in the page in the order in which they are given, which is best that of [`ReportHead::order`]. Tasks
/// that none was given of get one without pictures at the end.
pub struct ReportWriter<'a> {
    out: &'a mut dyn Write,
    head: &'a ReportHead,
    order: Vec<usize>,
    written: Vec<bool>,
}

impl<'a> ReportWriter<'a> {
    /// Begins the page: everything but the sections.
    ///
    /// # Errors
    /// [`ReportError::Write`] if `out` fails.
    pub fn new(out: &'a mut dyn Write, head: &'a ReportHead) -> Result<Self, ReportError> {
        let order = head.order();
        HeadView::new(head, &order, &Pages::default()).write_into(out)?;
        Ok(Self {
            out,
            head,
            written: vec![false; order.len()],
            order,
        })
    }

    /// The section of one task.
    ///
    /// # Errors
    /// [`ReportError::NoSuchTask`] and [`ReportError::Twice`] for a section that does not belong here,
    /// [`ReportError::Write`] if the writer fails.
    pub fn task(&mut self, section: &TaskSection) -> Result<(), ReportError> {
        let row = section.row;
        let rows = self.written.len();
        let done = self
            .written
            .get_mut(row)
            .ok_or(ReportError::NoSuchTask { row, rows })?;
        if std::mem::replace(done, true) {
            return Err(ReportError::Twice { row });
        }
        let place = self.order.iter().position(|&other| other == row);
        let view = SectionView::new(self.head, section, place.unwrap_or(rows));
        view.write_into(self.out)?;
        Ok(())
    }

    /// Ends the page.
    ///
    /// # Errors
    /// [`ReportError::Write`] if the writer fails.
    pub fn finish(mut self) -> Result<(), ReportError> {
        for row in self.order.clone() {
            if !self.written[row] {
                self.task(&TaskSection {
                    row,
                    ..TaskSection::default()
                })?;
            }
        }
        FootView::new(self.head).write_into(self.out)?;
        self.out.flush()?;
        Ok(())
    }
}

/// Writes a whole report; `pictures` is asked for the section of one task after the other, in the order of the page.
///
/// # Errors
/// [`ReportError::Write`] if `out` fails.
pub fn write_report(
    out: &mut dyn Write,
    head: &ReportHead,
    mut pictures: impl FnMut(usize) -> TaskSection,
) -> Result<(), ReportError> {
    let mut writer = ReportWriter::new(out, head)?;
    for row in head.order() {
        let section = TaskSection {
            row,
            ..pictures(row)
        };
        writer.task(&section)?;
    }
    writer.finish()
}

/// Writes the index of a report whose sections stand on [`Pages`] of their own: everything but the sections.
///
/// # Errors
/// [`ReportError::Write`] if `out` fails.
pub fn write_report_index(
    out: &mut dyn Write,
    head: &ReportHead,
    pages: &Pages,
) -> Result<(), ReportError> {
    HeadView::new(head, &head.order(), pages).write_into(out)?;
    FootView::new(head).write_into(out)?;
    out.flush()?;
    Ok(())
}

/// Writes the page at place `number` of `pages`, from 0 on; `pictures` is asked for the section of one task after the other.
/// `fingerprint` stands for what it shows, as [`ReportHead::fingerprint`] does for the index.
///
/// # Errors
/// [`ReportError::Write`] if `out` fails; [`ReportError::NoSuchPage`].
pub fn write_report_page(
    out: &mut dyn Write,
    head: &ReportHead,
    (pages, number): (&Pages, usize),
    fingerprint: &str,
    mut pictures: impl FnMut(usize) -> TaskSection,
) -> Result<(), ReportError> {
    let count = pages.list().len();
    let page = pages.list().get(number);
    let page = page.ok_or(ReportError::NoSuchPage { number, count })?;
    let begin = PageView {
        head,
        style: STYLE,
        fingerprint,
        pages,
        number,
    };
    begin.write_into(out)?;
    let before: usize = pages.list()[..number].iter().map(|p| p.rows.len()).sum();
    for (place, &row) in (before..).zip(&page.rows) {
        let section = TaskSection {
            row,
            ..pictures(row)
        };
        SectionView::new(head, &section, place).write_into(out)?;
    }
    FootView::new(head).write_into(out)?;
    out.flush()?;
    Ok(())
}
