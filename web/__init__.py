"""What the pages of every app share: rendering, error pages, template filters, request ids."""
