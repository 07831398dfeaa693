// Runs before the first paint, so that a dark screen never flashes white. The app keeps the choice under the same name.
(function () {
  var stored = null;
  try {
    stored = localStorage.getItem('alfred-color-scheme');
  } catch (e) {
    // Storage is off: follow the system.
  }
  var dark = stored === 'dark' || (stored !== 'light' && matchMedia('(prefers-color-scheme: dark)').matches);
  document.documentElement.setAttribute('data-mantine-color-scheme', dark ? 'dark' : 'light');
})();
