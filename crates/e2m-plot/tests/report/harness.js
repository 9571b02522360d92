'use strict';
(async () => {
  const seen = {};
  const one = (selector, within = document) => within.querySelector(selector);
  const all = (selector, within = document) => [...within.querySelectorAll(selector)];
  const sleep = (ms) => new Promise((resolve) => setTimeout(resolve, ms));
  const violations = [];
  document.addEventListener('securitypolicyviolation', (event) => violations.push(event.violatedDirective));
  /** The names in the table, as they stand from top to bottom. */
  const names = () => all('#tasks tbody tr:not([hidden]) th').map((cell) => cell.textContent);
  const point = (element, type, x, y, pointerType = 'mouse') => element.dispatchEvent(new PointerEvent(type, {
    bubbles: true, cancelable: true, clientX: x, clientY: y, pointerType, pointerId: 7, button: 0, isPrimary: true,
  }));
  const press = (element, key) => element.dispatchEvent(new KeyboardEvent('keydown', { key, bubbles: true, cancelable: true }));
  // Events made by a script have no real pointer to capture.
  Element.prototype.setPointerCapture = () => {};
  try {
    await sleep(50);
    /* the test */
  } catch (error) {
    seen.error = String(error.stack);
  }
  if (parent !== window) {
    parent.postMessage(JSON.stringify(seen), '*');
    return;
  }
  const pre = document.createElement('pre');
  pre.id = 'seen';
  pre.textContent = JSON.stringify(seen);
  document.body.append(pre);
})();
