// A page that shows something only once: leaving it warns until [data-stored] is pressed, and its
// address becomes that of a page which can be opened again, so that Back and Reload repeat no form.
const shown = document.querySelector("[data-shown-once]");

if (shown) {
  history.replaceState(null, "", shown.dataset.shownOnce);
  const warn = (event) => event.preventDefault();
  addEventListener("beforeunload", warn);
  document.addEventListener("click", (event) => {
    if (event.target.closest("[data-stored]")) removeEventListener("beforeunload", warn);
  });
}
