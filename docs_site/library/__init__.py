"""All pages in their order, and what programs read: Markdown, /llms.txt, the changelog's feed."""
