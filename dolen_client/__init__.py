"""A Python client of the API: `Client(url, token)` has a method for each operation, with types, and needs nothing else.

client = Client("https://dolen.example.org", "dol_live_…")
client.post_messages({"to": "ann@example.org", "subject": "Your appointment", "text": "Tuesday at 10."}, key="a1")
for person in client.each(client.get_stakeholders, limit=200):
    print(person["name"])
"""

from .call import Answer, Problem, Unreachable
from .operations import Client

__all__ = ["Answer", "Client", "Problem", "Unreachable"]
