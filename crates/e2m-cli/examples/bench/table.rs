//! The figures as tables in Markdown.

use crate::{Measured, Stage};

/// Two tables: the runs, and their stages.
pub(crate) fn markdown(all: &[Measured]) -> String {
    let mut lines = vec![
        "| image (px) | canvas (Mpx) | wall (s) | CPU (s) | files (GB) | on disk (GB) | plain write of as much, before and after (s) | ratio | s per canvas Gpx | peak RSS (MB) | plan (MB) | 6x rule (GB) | RSS per raw px (B) | error mean, max (px) | scale (truth) |".to_owned(),
        format!("|{}", "---|".repeat(15)),
    ];
    lines.extend(all.iter().map(run));
    lines.push(String::new());
    lines.push("| image (px) | stage | wall (s) | CPU (s) | from disk (MB) | to disk (MB) | peak RSS (MB) |".to_owned());
    lines.push(format!("|{}", "---|".repeat(7)));
    for measured in all {
        lines.extend(measured.stages.iter().map(|s| stage(measured, s)));
    }
    lines.join("\n")
}

fn mega(bytes: u64) -> String {
    format!("{:.0}", bytes as f64 / 1e6)
}

fn run(m: &Measured) -> String {
    let raw = (m.width * m.height) as f64;
    let [before, after] = m.plain_write_seconds;
    let cells = [
        format!("{} x {}", m.width, m.height),
        mega(m.canvas_pixels),
        format!("{:.1}", m.wall_seconds),
        format!("{:.1}", m.stages.iter().map(|s| s.cpu_seconds).sum::<f64>()),
        format!("{:.2}", m.file_bytes as f64 / 1e9),
        format!("{:.2}", m.disk_bytes as f64 / 1e9),
        format!("{before:.1}, {after:.1}"),
        format!("{:.2}", m.wall_seconds / ((before + after) / 2.0)),
        format!("{:.1}", m.wall_seconds / m.canvas_pixels as f64 * 1e9),
        mega(m.peak_rss_bytes),
        mega(m.plan_bytes),
        format!("{:.1}", m.rule_bytes as f64 / 1e9),
        format!("{:.1}", m.peak_rss_bytes as f64 / raw),
        format!("{:.4}, {:.4}", m.error_mean_px, m.error_max_px),
        format!("{:.4} ({:.4})", m.scale, m.true_scale),
    ];
    format!("| {} |", cells.join(" | "))
}

fn stage(m: &Measured, s: &Stage) -> String {
    let cells = [
        format!("{} x {}", m.width, m.height),
        s.stage.to_string(),
        format!("{:.2}", s.wall_seconds),
        format!("{:.2}", s.cpu_seconds),
        mega(s.read_bytes),
        mega(s.written_bytes),
        mega(s.peak_rss_bytes),
    ];
    format!("| {} |", cells.join(" | "))
}
