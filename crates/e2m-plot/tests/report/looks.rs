//! What the page looks like: on a phone, in the dark, and what the images show.

use crate::browser::Browser;
use crate::page::{head, html};
use serde_json::{Value, json};

const PHONE: (u32, u32) = (360, 740);
const DARK: &str = "--blink-settings=preferredColorScheme=0";

#[test]
fn the_console_is_heard() {
    let Some(browser) = Browser::find() else {
        return;
    };
    let script =
        "console.debug('one'); console.warn('two'); new Image().src = 'https://example.org/x.png';
        await sleep(200); seen.violations = violations;";
    let run = browser.run(&html(&head()), PHONE, &[], script);
    assert!(run.console.len() >= 3, "{:?}", run.console);
    assert_eq!(run.values["violations"], json!(["img-src"]));
}

#[test]
fn on_a_phone_every_figure_is_in_view_and_nothing_is_scrolled_sideways() {
    let Some(browser) = Browser::find() else {
        return;
    };
    let script = "
        one('#unfold').click();
        await sleep(100);
        seen.window = innerWidth;
        seen.page = document.documentElement.scrollWidth;
        seen.beyond = all('body *').filter((element) => !element.closest('.scroller, .stage')
            && element.getBoundingClientRect().right > innerWidth + 0.5).map((element) => element.outerHTML.slice(0, 80));
        const scroller = one('.scroller');
        seen.table = scroller.scrollWidth > scroller.clientWidth;
        seen.figures = all('#tasks tbody td').filter((cell) => cell.textContent.trim()).map((cell) => cell.getBoundingClientRect())
            .filter((box) => box.width < 1 || box.left < 0 || box.right > innerWidth + 0.5).length;
        seen.labels = ['Verdict', 'Residual', 'Scale', 'Time', 'Peak memory'].filter((label, at) =>
            !getComputedStyle(all('#tasks tbody tr')[0].cells[at + 2], '::before').content.includes(label));
        seen.images = all('img').map((image) => [image.complete, image.naturalWidth > 0].join());
        seen.loaded = performance.getEntriesByType('resource').map((entry) => entry.name.slice(0, 30))
            .filter((name) => !name.startsWith('data:'));
        seen.violations = violations;
        seen.targets = all('button, select, input:not([type=radio])').filter((element) => element.offsetParent)
            .filter((element) => element.getBoundingClientRect().height < 16).length;
    ";
    let run = browser.run(&html(&head()), PHONE, &["--hide-scrollbars"], script);
    let seen = run.values;
    assert_eq!(run.console, [""; 0]);
    assert_eq!((&seen["window"], &seen["page"]), (&json!(360), &json!(360)));
    assert_eq!(seen["beyond"], json!([]));
    assert_eq!(seen["table"], false);
    assert_eq!(seen["figures"], 0, "cells that are out of view");
    assert_eq!(seen["labels"], json!([]), "figures without their names");
    assert_eq!(seen["loaded"], json!([]), "everything is in the page");
    assert_eq!(seen["violations"], json!([]));
    assert_eq!(seen["targets"], 0);
    let images = seen["images"].as_array().expect("a list");
    assert_eq!(images.len(), 5 * 3);
    assert!(
        images.iter().any(|image| image == "true,true"),
        "{images:?}"
    );
    assert!(
        !images.iter().any(|image| image == "true,false"),
        "{images:?}"
    );
}

#[test]
fn text_stands_out_from_its_ground_in_the_light_and_in_the_dark() {
    let Some(browser) = Browser::find() else {
        return;
    };
    // WCAG 2.2, 1.4.3 and its definition of relative luminance.
    let script = "
        const rgb = (colour) => colour.match(/[\\d.]+/g).map(Number);
        const light = ([r, g, b]) => {
            const [x, y, z] = [r, g, b].map((v) => v / 255).map((v) => (v <= 0.04045 ? v / 12.92 : ((v + 0.055) / 1.055) ** 2.4));
            return 0.2126 * x + 0.7152 * y + 0.0722 * z;
        };
        const ground = (element) => {
            for (let e = element; e; e = e.parentElement) {
                const colour = rgb(getComputedStyle(e).backgroundColor);
                if (colour.length === 3 || colour[3] === 1) {
                    return colour;
                }
            }
            return [255, 255, 255];
        };
        const worst = { ratio: 99 };
        let texts = 0;
        one('#unfold').click();
        for (const element of all('body *')) {
            const own = [...element.childNodes].some((node) => node.nodeType === 3 && node.textContent.trim());
            if (!own || !element.getClientRects().length || element.closest('.view, script, option')) {
                continue;
            }
            texts += 1;
            const [a, b] = [rgb(getComputedStyle(element).color), ground(element)].map(light);
            const ratio = (Math.max(a, b) + 0.05) / (Math.min(a, b) + 0.05);
            if (ratio < worst.ratio) {
                Object.assign(worst, { ratio, text: element.textContent.slice(0, 40) });
            }
        }
        Object.assign(seen, { worst, texts, paper: light(ground(document.body)) });
    ";
    let run = |flags: &[&str]| {
        browser
            .run(&html(&head()), (1280, 900), flags, script)
            .values
    };
    let (day, night) = (
        run(&["--blink-settings=preferredColorScheme=1"]),
        run(&[DARK]),
    );
    let number = |value: &Value| value.as_f64().expect("a number");
    assert!(number(&day["paper"]) > 0.8 && number(&night["paper"]) < 0.05);
    for seen in [day, night] {
        assert!(number(&seen["texts"]) > 100.0);
        assert!(number(&seen["worst"]["ratio"]) >= 4.5, "{seen}");
    }
}

/// Shares of white and black in the middle row of the images, left and right of a quarter of their width.
fn halves(browser: &Browser, script: &str, flags: &[&str]) -> [[f64; 2]; 2] {
    let hide = "document.body.replaceChildren(one('#task-3 .comparison .view'));
        document.body.style.padding = '0';
        window.scrollTo(0, 0);";
    let script = format!("{script}\n{hide}\nawait sleep(50);");
    let (width, pixels) = browser.screenshot(&html(&head()), (800, 1000), flags, &script);
    let row = &pixels[60 * width..61 * width];
    let share = |part: &[[u8; 3]], wanted: fn(&[u8; 3]) -> bool| {
        part.iter().filter(|pixel| wanted(pixel)).count() as f64 / part.len() as f64
    };
    let (left, right) = (&row[20..width / 5], &row[width * 3 / 10..width * 7 / 10]);
    [left, right].map(|part| {
        [
            share(part, |pixel| pixel.iter().all(|&v| v > 240)),
            share(part, |pixel| pixel.iter().all(|&v| v < 15)),
        ]
    })
}

#[test]
fn left_of_the_divider_is_post_and_right_of_it_aligned_pre() {
    let Some(browser) = Browser::find() else {
        return;
    };
    let cut_at = |percent: u32| {
        format!(
            "const slider = one('#task-3 .cut input');
            slider.value = {percent};
            slider.dispatchEvent(new Event('input'));"
        )
    };
    let (white, black) = ([1.0, 0.0], [0.0, 1.0]);
    assert_eq!(halves(&browser, &cut_at(25), &[]), [white, black]);
    assert_eq!(halves(&browser, &cut_at(100), &[]), [white, white]);
    assert_eq!(halves(&browser, &cut_at(0), &[]), [black, black]);
}

#[test]
fn blinking_shows_either_as_a_whole() {
    let Some(browser) = Browser::find() else {
        return;
    };
    let calm = ["--force-prefers-reduced-motion"];
    let blink = "one('#task-3 .mode input[value=\"blink\"]').click();";
    let other = format!("{blink} one('#task-3 .other').click();");
    assert_eq!(halves(&browser, blink, &calm), [[1.0, 0.0]; 2]);
    assert_eq!(halves(&browser, &other, &calm), [[0.0, 1.0]; 2]);
}
