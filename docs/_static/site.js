// What is wider than its place can be reached and scrolled by keyboard.
function reachable() {
  for (const box of document.querySelectorAll(".table-wrapper, pre, div.math")) {
    if (box.scrollWidth > box.clientWidth) box.tabIndex = 0;
    else box.removeAttribute("tabindex");
  }
}
addEventListener("load", reachable);
addEventListener("resize", reachable);
