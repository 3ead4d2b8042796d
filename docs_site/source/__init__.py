"""Pages as they are written: the file's head, its Markdown, the cache key of its last change."""
