// The reader's choice of light or dark, applied before anything is drawn. Without a choice the system's holds.
"use strict";
try {
  const chosen = localStorage.getItem("virtio-atlas-theme");
  if (chosen === "light" || chosen === "dark") document.documentElement.dataset.theme = chosen;
} catch {
  // storage may be denied, for example to a page that was opened from a file
}
