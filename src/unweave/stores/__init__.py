"""What a server remembers in SQL: keys, what was edited, what people said of it, ratings of studies."""
