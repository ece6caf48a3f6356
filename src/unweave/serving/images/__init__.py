"""Images of requests and answers: what files say of themselves, and their pixels."""
