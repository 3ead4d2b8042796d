"""From a page's Markdown with directives to HTML, or to Markdown without them."""
