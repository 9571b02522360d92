'use strict';
(() => {
  document.documentElement.classList.add('js');
  const all = (selector, within = document) => [...within.querySelectorAll(selector)];

  const sections = new Map(all('details.task').map((section) => [section.dataset.task, section]));
  const table = document.getElementById('tasks');
  // A page of sections has no table.
  if (table) {
    // ---- the table: sorting ----
    const body = table.tBodies[0];
    const rows = [...body.rows];
    const place = new Map(rows.map((row, index) => [row, index]));
    const headers = all('thead th', table);

    /** Orders two cells' values; what is missing comes last whichever way is up. */
    const compare = (a, b, numeric, sign) => {
      if (a === undefined || b === undefined) {
        return (a === undefined) - (b === undefined);
      }
      return sign * (numeric ? Number(a) - Number(b) : a.localeCompare(b, 'en', { numeric: true }));
    };

    const sortBy = (column) => {
      const header = headers[column];
      const sign = header.getAttribute('aria-sort') === 'ascending' ? -1 : 1;
      for (const other of headers) {
        other.removeAttribute('aria-sort');
      }
      header.setAttribute('aria-sort', sign > 0 ? 'ascending' : 'descending');
      const numeric = header.dataset.kind === 'number';
      const value = (row) => row.cells[column].dataset.value;
      rows.sort((a, b) => compare(value(a), value(b), numeric, sign) || place.get(a) - place.get(b));
      body.append(...rows);
    };
    headers.forEach((header, column) => {
      header.querySelector('button')?.addEventListener('click', () => sortBy(column));
    });

    // ---- the table: what is shown ----
    const find = document.getElementById('find');
    const status = document.getElementById('status');
    const shown = document.getElementById('shown');

    const filter = () => {
      const words = find.value.toLocaleLowerCase().split(/\s+/).filter(Boolean);
      let count = 0;
      for (const row of rows) {
        const name = row.cells[0].textContent.toLocaleLowerCase();
        const fits = words.every((word) => name.includes(word))
          && (status.value === '' || row.dataset.status === status.value);
        row.hidden = !fits;
        const section = sections.get(row.dataset.task);
        if (section) {
          section.hidden = !fits;
        }
        count += fits;
      }
      shown.textContent = count === rows.length ? '' : `${count} of ${rows.length}`;
    };
    find.addEventListener('input', filter);
    status.addEventListener('input', filter);
    filter();

  }

  // ---- the sections ----
  const open = (id) => {
    const section = document.getElementById(id);
    if (section?.matches('details.task')) {
      section.hidden = false;
      section.open = true;
      section.scrollIntoView();
    }
  };
  document.addEventListener('click', (event) => {
    const link = event.target.closest('a[href^="#task-"]');
    if (link) {
      open(link.hash.slice(1));
    }
  });
  const openAddressed = () => open(location.hash.slice(1));
  addEventListener('hashchange', openAddressed);
  openAddressed();
  const fold = (folded) => sections.forEach((section) => { section.open = !folded; });
  document.getElementById('unfold')?.addEventListener('click', () => fold(false));
  document.getElementById('fold')?.addEventListener('click', () => fold(true));

  // ---- post and aligned pre on top of each other ----
  const BLINK_MS = 500;
  const calm = matchMedia('(prefers-reduced-motion: reduce)');
  const clamp = (value) => Math.min(100, Math.max(0, value));
  /** Ends the blinking that runs, if any: one at a time. */
  let endBlinking = () => {};

  const compareImages = (figure) => {
    const part = (selector) => figure.querySelector(selector);
    const [view, stage, frame, aligned] = ['.view', '.stage', '.frame', '.aligned'].map(part);
    const [left, right, divider] = ['.left', '.right', '.divider'].map(part);
    const [cut, slider, blinking, run] = ['.cut', '.cut input', '.blinking', '.run'].map(part);
    let timer = null;

    const swiping = () => stage.dataset.mode === 'swipe';
    const zoom = () => Number(stage.dataset.zoom);

    /** Left of the slider's place in the window is post, right of it aligned pre, however far it is scrolled. */
    const drawCut = () => {
      if (!swiping()) {
        return;
      }
      const percent = Number(slider.value);
      const x = stage.scrollLeft + stage.clientWidth * percent / 100;
      aligned.style.clipPath = `inset(0 0 0 ${100 * x / Math.max(1, frame.clientWidth)}%)`;
      view.style.setProperty('--cut', `${stage.clientWidth * percent / 100}px`);
    };
    const cutAt = (percent) => {
      slider.value = clamp(percent);
      drawCut();
    };

    const show = (which) => {
      stage.dataset.shows = which;
      aligned.style.visibility = which === 'aligned' ? 'visible' : 'hidden';
      left.textContent = which === 'aligned' ? 'aligned pre' : 'post';
    };
    const showOther = () => show(stage.dataset.shows === 'aligned' ? 'post' : 'aligned');

    const stop = () => {
      clearInterval(timer);
      timer = null;
      run.textContent = 'Start';
      endBlinking = () => {};
    };
    const start = () => {
      endBlinking();
      timer = setInterval(showOther, BLINK_MS);
      run.textContent = 'Stop';
      endBlinking = stop;
    };

    const setMode = (mode) => {
      if (timer !== null) {
        stop();
      }
      stage.dataset.mode = mode;
      const swipe = mode === 'swipe';
      cut.hidden = divider.hidden = right.hidden = !swipe;
      blinking.hidden = swipe;
      if (swipe) {
        left.textContent = 'post';
        aligned.style.visibility = 'visible';
        delete stage.dataset.shows;
        drawCut();
      } else {
        aligned.style.clipPath = 'none';
        show('post');
        if (!calm.matches) {
          start();
        }
      }
    };

    const setZoom = (factor) => {
      const grown = factor / (zoom() || 1);
      const middle = (start, size) => (start + size / 2) * grown - size / 2;
      const x = middle(stage.scrollLeft, stage.clientWidth);
      const y = middle(stage.scrollTop, stage.clientHeight);
      stage.dataset.zoom = factor;
      frame.style.setProperty('--zoom', factor);
      stage.scrollTo({ left: x, top: y, behavior: 'instant' });
      drawCut();
    };

    // Dragging moves the divider; where a finger has to scroll, only its handle does. A finger that lands on the image
    // may be about to scroll the page: the divider waits until it moves sideways.
    const SIDEWAYS_PX = 5;
    let dragged = false;
    let waits = null;
    const follow = (event) => {
      const box = stage.getBoundingClientRect();
      cutAt(100 * (event.clientX - box.left) / Math.max(1, stage.clientWidth));
    };
    const grasp = (event) => {
      const scrolls = event.pointerType === 'touch' && zoom() > 1 && event.currentTarget === stage;
      const box = stage.getBoundingClientRect();
      const onBar = event.clientX - box.left > stage.clientWidth || event.clientY - box.top > stage.clientHeight;
      if (!swiping() || event.button !== 0 || scrolls || onBar) {
        return;
      }
      event.currentTarget.setPointerCapture(event.pointerId);
      if (event.pointerType === 'touch') {
        waits = event.clientX;
      } else {
        dragged = true;
        follow(event);
      }
    };
    const move = (event) => {
      if (waits !== null && Math.abs(event.clientX - waits) > SIDEWAYS_PX) {
        waits = null;
        dragged = true;
      }
      if (dragged) {
        follow(event);
      }
    };
    const release = () => {
      dragged = false;
      waits = null;
    };
    for (const element of [stage, divider]) {
      element.addEventListener('pointerdown', grasp);
      element.addEventListener('pointermove', move);
      element.addEventListener('pointerup', release);
      element.addEventListener('pointercancel', release);
    }
    frame.addEventListener('dragstart', (event) => event.preventDefault());

    stage.addEventListener('click', () => swiping() || showOther());
    stage.addEventListener('keydown', (event) => {
      const step = { ArrowLeft: -2, ArrowRight: 2 }[event.key];
      if (swiping() && step && zoom() === 1) {
        cutAt(Number(slider.value) + step);
      } else if (!swiping() && (event.key === ' ' || event.key === 'Enter')) {
        showOther();
      } else {
        return;
      }
      event.preventDefault();
    });
    stage.addEventListener('scroll', drawCut);
    new ResizeObserver(drawCut).observe(stage);
    slider.addEventListener('input', drawCut);
    run.addEventListener('click', () => (timer === null ? start() : stop()));
    part('.other').addEventListener('click', () => {
      if (timer !== null) {
        stop();
      }
      showOther();
    });
    for (const [group, set] of [['.mode', setMode], ['.zoom', (value) => setZoom(Number(value))]]) {
      part(group).addEventListener('change', (event) => set(event.target.value));
      // A browser that goes back to the page may have kept another choice.
      set(part(`${group} input:checked`).value);
    }
    figure.closest('details').addEventListener('toggle', (event) => {
      if (!event.target.open && timer !== null) {
        stop();
      }
    });
  };
  all('figure.comparison').forEach(compareImages);
})();
