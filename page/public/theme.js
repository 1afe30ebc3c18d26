// Before the page is drawn for the first time: light or dark, where someone has chosen. ThemeSwitch keeps the choice.
try {
  const chosen = globalThis.localStorage.getItem('ortune.theme')
  if (chosen === 'light' || chosen === 'dark') globalThis.document.documentElement.dataset.theme = chosen
} catch {
  // Storage is closed to this page: the system's theme it is.
}
