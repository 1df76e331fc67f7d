"""What a page says, for tests that read HTML."""

from bs4 import BeautifulSoup
from werkzeug.test import TestResponse


def soup(response: TestResponse) -> BeautifulSoup:
    return BeautifulSoup(response.data, "lxml")


def text(response: TestResponse, selector: str) -> str:
    found = soup(response).select_one(selector)
    assert found is not None, f"no {selector} in {response.text}"
    return " ".join(found.get_text(" ").split())
