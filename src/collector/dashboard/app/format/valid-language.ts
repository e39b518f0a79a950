// uPlot formats numbers by navigator.language as soon as it is loaded. Chromium under LANG=C says
// `en-US@posix`, which is no language tag, and the whole page would stay blank.
try {
  new Intl.NumberFormat(navigator.language);
} catch {
  Object.defineProperty(navigator, 'language', { value: 'en-US', configurable: true });
}
