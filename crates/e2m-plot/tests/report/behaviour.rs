//! What the page does: sorting, finding, opening, swiping, blinking, zooming.

use crate::browser::Browser;
use crate::page::{AWKWARD, head, html};
use serde_json::{Value, json};

const DESKTOP: (u32, u32) = (1280, 900);

/// Runs the script on the page of [`head`]; `Null` where there is no browser.
fn seen(flags: &[&str], script: &str) -> Option<Value> {
    let run = Browser::find()?.run(&html(&head()), DESKTOP, flags, script);
    assert_eq!(run.console, [""; 0], "the console stays empty");
    Some(run.values)
}

#[test]
fn problems_come_first_and_columns_sort_by_number_with_missing_values_last() {
    let script = "
        seen.first = names();
        const click = (column) => {
            one(`#tasks thead th:nth-child(${column}) button`).click();
            return names();
        };
        seen.up = click(4);
        seen.upSaid = all('#tasks thead th').map((th) => th.getAttribute('aria-sort'));
        seen.down = click(4);
        seen.downSaid = one('#tasks thead th:nth-child(4)').getAttribute('aria-sort');
        seen.byTime = click(6);
        seen.byName = click(1);
        seen.byStatus = click(2);
        seen.headings = all('h2').map((h) => h.textContent);
    ";
    let Some(seen) = seen(&[], script) else {
        return;
    };
    let odd = format!("{AWKWARD} DAPI");
    let first = json!([
        "CD063 SybrGld",
        "CD063 DAPI",
        odd,
        "CD071 DAPI",
        "CD072 DAPI",
        "CD070 SybrGld",
        "CD070 DAPI"
    ]);
    assert_eq!(seen["first"], first);
    assert_eq!(
        seen["up"],
        json!([
            "CD070 SybrGld",
            "CD070 DAPI",
            "CD063 DAPI",
            "CD063 SybrGld",
            odd,
            "CD071 DAPI",
            "CD072 DAPI"
        ]),
        "10.5 px is more than 2.34 px"
    );
    assert_eq!(
        seen["upSaid"],
        json!([null, null, null, "ascending", null, null, null, null])
    );
    assert_eq!(
        seen["down"],
        json!([
            "CD063 SybrGld",
            "CD063 DAPI",
            "CD070 DAPI",
            "CD070 SybrGld",
            odd,
            "CD071 DAPI",
            "CD072 DAPI"
        ])
    );
    assert_eq!(seen["downSaid"], "descending");
    assert_eq!(
        seen["byTime"],
        json!([
            "CD063 SybrGld",
            "CD070 SybrGld",
            "CD063 DAPI",
            odd,
            "CD071 DAPI",
            "CD072 DAPI",
            "CD070 DAPI"
        ]),
        "what was there already took no time that is known"
    );
    assert_eq!(seen["byName"][1], "CD063 DAPI");
    assert_eq!(seen["byStatus"], first);
    assert_eq!(
        seen["headings"],
        json!(["Problems 4", "Tasks 7", "Pictures"])
    );
}

#[test]
fn finding_and_choosing_a_status_hides_the_other_rows_and_sections() {
    let script = "
        const type = (id, value) => {
            const input = one(id);
            input.value = value;
            input.dispatchEvent(new Event('input', { bubbles: true }));
            return [names(), all('details.task:not([hidden])').length, one('#shown').textContent];
        };
        seen.all = type('#find', '');
        seen.two = type('#find', ' sybr cd0');
        seen.one = type('#status', '0');
        seen.none = type('#find', 'nowhere');
        seen.choices = all('#status option').map((option) => option.textContent);
    ";
    let Some(seen) = seen(&[], script) else {
        return;
    };
    assert_eq!((&seen["all"][1], &seen["all"][2]), (&json!(7), &json!("")));
    assert_eq!(
        seen["two"],
        json!([["CD063 SybrGld", "CD070 SybrGld"], 2, "2 of 7"])
    );
    assert_eq!(seen["one"], json!([["CD063 SybrGld"], 1, "1 of 7"]));
    assert_eq!(seen["none"], json!([[], 0, "0 of 7"]));
    assert_eq!(
        seen["choices"],
        json!([
            "all",
            "failed (1)",
            "suspect (1)",
            "interrupted (1)",
            "left out (1)",
            "not begun (1)",
            "complete (2)"
        ])
    );
}

#[test]
fn a_task_s_name_leads_to_its_section_and_opens_it() {
    let script = "
        const section = one('#task-0');
        seen.before = section.open;
        one('#tasks a[href=\"#task-0\"]').click();
        await sleep(100);
        seen.after = section.open;
        seen.top = Math.round(section.getBoundingClientRect().top);
        one('#fold').click();
        seen.folded = all('details[open]').length;
        location.hash = '#task-2';
        await sleep(100);
        seen.addressed = all('details[open]').map((details) => details.id);
        one('#unfold').click();
        seen.unfolded = all('details[open]').length;
        seen.problems = all('#problems a').map((a) => a.getAttribute('href'));
    ";
    let Some(seen) = seen(&[], script) else {
        return;
    };
    assert_eq!(
        (&seen["before"], &seen["after"]),
        (&json!(false), &json!(true))
    );
    let top = seen["top"].as_i64().expect("a number");
    assert!(
        (-5..600).contains(&top),
        "the section is in the window: {top}"
    );
    assert_eq!(seen["folded"], 0);
    assert_eq!(seen["addressed"], json!(["task-2"]));
    assert_eq!(seen["unfolded"], 7);
    assert_eq!(
        seen["problems"],
        json!(["#task-3", "#task-2", "#task-4", "#task-5"])
    );
}

#[test]
fn the_divider_follows_slider_mouse_finger_and_keys() {
    let script = "
        const figure = one('#task-3 .comparison');
        const [stage, slider, aligned, divider] =
            ['.stage', '.cut input', '.aligned', '.divider'].map((part) => one(part, figure));
        stage.scrollIntoView();
        await sleep(50);
        const box = stage.getBoundingClientRect();
        const cut = () => [Number(slider.value), parseFloat(getComputedStyle(aligned).clipPath.split(' ').pop())]
            .map((percent) => Math.round(percent));
        const place = () => Math.round(100 * (divider.getBoundingClientRect().left + 1 - box.left) / box.width);
        seen.start = [...cut(), place()];
        slider.value = 20;
        slider.dispatchEvent(new Event('input'));
        seen.slider = [...cut(), place()];
        const drag = (element, share, type) => {
            point(element, 'pointerdown', box.left + 0.3 * box.width, box.top + 20, type);
            point(element, 'pointermove', box.left + share * box.width, box.top + 30, type);
            point(element, 'pointerup', box.left + share * box.width, box.top + 30, type);
            point(element, 'pointermove', box.left + 0.9 * box.width, box.top + 30, type);
            return [...cut(), place()];
        };
        seen.mouse = drag(stage, 0.6, 'mouse');
        seen.finger = drag(stage, 0.7, 'touch');
        seen.beyond = drag(stage, 1.4, 'touch');
        seen.handle = drag(divider, 0.4, 'touch');
        point(stage, 'pointerdown', box.left + 9, box.top + 20, 'touch');
        point(stage, 'pointermove', box.left + 11, box.top + 60, 'touch');
        point(stage, 'pointercancel', box.left + 11, box.top + 60, 'touch');
        point(stage, 'pointermove', box.left + 90, box.top + 60, 'touch');
        seen.scrolling = cut();
        press(stage, 'ArrowRight');
        seen.keys = cut();
        one('.zoom input[value=\"4\"]', figure).click();
        seen.scrollsWhenZoomed = drag(stage, 0.1, 'touch')[0];
        seen.handleWhenZoomed = drag(divider, 0.5, 'touch')[0];
        seen.scroll = [stage.scrollWidth / stage.clientWidth, stage.scrollHeight / stage.clientHeight].map(Math.round);
        seen.middle = Math.round(100 * (stage.scrollLeft + stage.clientWidth / 2) / stage.scrollWidth);
        seen.centre = cut()[1];
        stage.scrollLeft = 0;
        // Without a screen nothing may be drawn, and a page hears of scrolling when it is.
        stage.dispatchEvent(new Event('scroll'));
        seen.afterScroll = Math.round(1000 * parseFloat(getComputedStyle(aligned).clipPath.split(' ').pop()) / 100);
    ";
    let Some(seen) = seen(&["--hide-scrollbars"], script) else {
        return;
    };
    assert_eq!(seen["start"], json!([50, 50, 50]));
    assert_eq!(seen["slider"], json!([20, 20, 20]));
    assert_eq!(seen["mouse"], json!([60, 60, 60]));
    assert_eq!(seen["finger"], json!([70, 70, 70]));
    assert_eq!(seen["beyond"], json!([100, 100, 100]));
    assert_eq!(seen["handle"], json!([40, 40, 40]));
    assert_eq!(
        seen["scrolling"],
        json!([40, 40]),
        "a finger that scrolls the page"
    );
    assert_eq!(seen["keys"], json!([42, 42]));
    assert_eq!(seen["scrollsWhenZoomed"], 42, "a finger scrolls");
    assert_eq!(seen["handleWhenZoomed"], 50);
    assert_eq!(seen["scroll"], json!([4, 4]));
    assert_eq!(seen["middle"], 50, "zooming keeps the middle");
    assert_eq!(seen["centre"], 50);
    assert_eq!(
        seen["afterScroll"], 125,
        "the divider stays in the window: 50 % of a quarter"
    );
}

const BLINK: &str = "
    const figure = one('#task-3 .comparison');
    const [aligned, stage, run, tag] = ['.aligned', '.stage', '.run', '.left'].map((part) => one(part, figure));
    const now = () => [getComputedStyle(aligned).visibility, getComputedStyle(aligned).clipPath, tag.textContent];
    one('.mode input[value=\"blink\"]', figure).click();
";

#[test]
fn blinking_shows_one_then_the_other_twice_a_second_and_stops() {
    let script = format!(
        "{BLINK}
        seen.controls = [one('.cut', figure).hidden, one('.blinking', figure).hidden, run.textContent];
        const shown = [];
        for (let i = 0; i < 8; i += 1) {{
            shown.push(now().join(', '));
            await sleep(250);
        }}
        seen.shown = shown;
        run.click();
        const still = now().join();
        await sleep(1300);
        seen.stands = now().join() === still;
        seen.word = run.textContent;
        run.click();
        const [before] = now();
        await sleep(600);
        seen.goesOn = now()[0] !== before;
        // Another pair takes over; folding a section ends its blinking.
        const other = one('#task-2 .comparison');
        one('.mode input[value=\"blink\"]', other).click();
        seen.words = [run.textContent, one('.run', other).textContent];
        one('#task-2').open = false;
        await sleep(100);
        seen.folded = one('.run', other).textContent;
        one('.mode input[value=\"swipe\"]', figure).click();
        seen.swipe = now();
    "
    );
    let Some(seen) = seen(&[], &script) else {
        return;
    };
    assert_eq!(seen["controls"], json!([true, false, "Stop"]));
    let shown: Vec<&str> = seen["shown"]
        .as_array()
        .expect("a list")
        .iter()
        .filter_map(Value::as_str)
        .collect();
    let changes = shown.windows(2).filter(|pair| pair[0] != pair[1]).count();
    assert!((3..=4).contains(&changes), "in 1.75 s: {shown:?}");
    assert!(shown.contains(&"hidden, none, post"), "{shown:?}");
    assert!(shown.contains(&"visible, none, aligned pre"), "{shown:?}");
    assert_eq!(seen["stands"], true);
    assert_eq!(seen["word"], "Start");
    assert_eq!(seen["goesOn"], true);
    assert_eq!(seen["words"], json!(["Start", "Stop"]));
    assert_eq!(seen["folded"], "Start");
    assert_eq!(seen["swipe"][0], "visible");
    assert_eq!(seen["swipe"][2], "post");
    assert_ne!(seen["swipe"][1], "none");
}

#[test]
fn who_wants_less_motion_blinks_by_hand() {
    let script = format!(
        "{BLINK}
        const start = now().join();
        await sleep(2000);
        seen.stands = now().join() === start;
        one('.other', figure).click();
        seen.button = now()[0];
        stage.click();
        seen.click = now()[0];
        press(stage, ' ');
        seen.key = now()[0];
    "
    );
    let Some(seen) = seen(&["--force-prefers-reduced-motion"], &script) else {
        return;
    };
    assert_eq!(
        seen,
        json!({"stands": true, "button": "visible", "click": "hidden", "key": "visible"})
    );
}
