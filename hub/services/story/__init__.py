"""Stories: what happened, gathered with few queries and put into words for the pages that show it."""
