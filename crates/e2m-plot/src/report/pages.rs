//! A report of many tasks: an index, and pages with the sections of some tasks each.

use super::model::{ReportHead, ReportRow};

/// A report of more tasks than this has its sections on pages of their own, so many each: all of them on one page would be more than a
/// browser shows gladly.
pub const TASKS_PER_PAGE: usize = 50;

/// Which sections stand on which page. None where the whole report is one page.
#[derive(Debug, Clone, Default, PartialEq, Eq)]
pub struct Pages {
    pages: Vec<ReportPage>,
    index: String,
}

/// A page of sections.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct ReportPage {
    /// Its file's name, in the folder of the index.
    pub name: String,
    /// Its tasks' places in [`ReportHead::tasks`], in the order of the page.
    pub rows: Vec<usize>,
}

impl ReportPage {
    /// The name of its first task.
    pub(super) fn first(&self, head: &ReportHead) -> String {
        name_of(head, self.rows.first())
    }

    /// The name of its last task.
    pub(super) fn last(&self, head: &ReportHead) -> String {
        name_of(head, self.rows.last())
    }
}

fn name_of(head: &ReportHead, row: Option<&usize>) -> String {
    let task = row.and_then(|&row| head.tasks.get(row));
    task.map_or_else(String::new, ReportRow::name)
}

impl Pages {
    /// Those of a report whose index is called `{stem}.html`: `{stem}_001.html` and so on, in the order of [`ReportHead::order`].
    pub fn of(head: &ReportHead, stem: &str) -> Self {
        if head.tasks.len() <= TASKS_PER_PAGE {
            return Self::default();
        }
        let order = head.order();
        let pages = order.chunks(TASKS_PER_PAGE).enumerate();
        let page = |(at, rows): (usize, &[usize])| ReportPage {
            name: page_name(stem, at),
            rows: rows.to_vec(),
        };
        Self {
            pages: pages.map(page).collect(),
            index: format!("{stem}.html"),
        }
    }

    /// The pages, in their order.
    pub fn list(&self) -> &[ReportPage] {
        &self.pages
    }

    /// The name of the index.
    pub(super) fn index(&self) -> &str {
        &self.index
    }

    /// Where the section of a task is, seen from the index.
    pub(super) fn link(&self, row: usize) -> String {
        let mut pages = self.pages.iter();
        let page = pages.find(|page| page.rows.contains(&row));
        format!("{}#task-{row}", page.map_or("", |page| &page.name))
    }

    /// The pages beside one, with their numbers from 1 on.
    pub(super) fn around(&self, number: usize) -> Vec<(&'static str, &ReportPage)> {
        let at = |place: Option<usize>| self.pages.get(place?);
        let beside = [
            ("previous page", at(number.checked_sub(1))),
            ("next page", at(number.checked_add(1))),
        ];
        beside
            .into_iter()
            .filter_map(|(label, page)| Some((label, page?)))
            .collect()
    }
}

/// The name of the page at this place, from 0 on.
pub fn page_name(stem: &str, place: usize) -> String {
    format!("{stem}_{:03}.html", place + 1)
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::report::ReportStatus;

    fn head(tasks: usize) -> ReportHead {
        let row = |i: usize| {
            let status = if i == 60 {
                ReportStatus::Failed
            } else {
                ReportStatus::Complete
            };
            ReportRow::new(format!("s{i}"), "DAPI", status)
        };
        ReportHead {
            tasks: (0..tasks).map(row).collect(),
            ..ReportHead::default()
        }
    }

    #[test]
    fn up_to_fifty_tasks_are_one_page() {
        let pages = Pages::of(&head(50), "report");
        assert!(pages.list().is_empty());
        assert_eq!(pages.link(7), "#task-7");
    }

    #[test]
    fn every_task_is_on_one_of_several_the_worst_first() {
        let head = head(121);
        let pages = Pages::of(&head, "report");
        let sizes: Vec<usize> = pages.list().iter().map(|page| page.rows.len()).collect();
        assert_eq!(sizes, [50, 50, 21]);
        assert_eq!(pages.link(60), "report_001.html#task-60");
        assert_eq!(pages.link(120), "report_003.html#task-120");
        let mut all: Vec<usize> = pages.list().iter().flat_map(|p| p.rows.clone()).collect();
        all.sort_unstable();
        assert!(all.into_iter().eq(0..121));
        assert_eq!(pages.list()[0].first(&head), "s60/DAPI");
        let names = |number| -> Vec<&str> {
            let around = pages.around(number).into_iter();
            around.map(|(_, page)| page.name.as_str()).collect()
        };
        assert_eq!(names(0), ["report_002.html"]);
        assert_eq!(names(1), ["report_001.html", "report_003.html"]);
        assert_eq!(names(2), ["report_002.html"]);
    }
}
