// Marks in "On this page" the heading that the reader has come to: the last one above the upper third of the window.
const LINE = 0.3;
const list = document.getElementById("on-this-page");
const links = [...(list?.querySelectorAll("a") ?? [])];
const headings = links.map((link) => document.getElementById(link.hash.slice(1)));

function isAtEnd() {
  return innerHeight + scrollY >= document.documentElement.scrollHeight - 2;
}

function position() {
  const target = links.findIndex((link) => link.hash === location.hash);
  if (isAtEnd()) {
    // The last sections are too short to come to the top: the one that was asked for counts.
    const isVisible = target >= 0 && headings[target].getBoundingClientRect().bottom > 0;
    return isVisible ? target : links.length - 1;
  }
  return headings.findLastIndex((heading) => heading.getBoundingClientRect().top <= innerHeight * LINE);
}

function mark() {
  const current = Math.max(position(), 0);
  links.forEach((link, at) => {
    if (at === current) link.setAttribute("aria-current", "location");
    else link.removeAttribute("aria-current");
  });
  keepVisible(links[current]);
}

function keepVisible(link) {
  if (list.scrollHeight <= list.clientHeight) return;
  list.scrollTop = link.offsetTop - list.clientHeight / 2;
}

if (links.length > 0) {
  const band = { rootMargin: `0px 0px -${(1 - LINE) * 100}% 0px`, threshold: [0, 1] };
  const passing = new IntersectionObserver(mark, band);
  headings.forEach((heading) => passing.observe(heading));
  // The page's end comes without a heading that passes the line.
  const foot = new IntersectionObserver(mark, { threshold: [0, 0.25, 0.5, 0.75, 1] });
  foot.observe(document.querySelector(".page-foot"));
  addEventListener("hashchange", mark);
}
