"""The OpenAPI document and the pages for people, as they are served."""

import re
from html.parser import HTMLParser

import httpx
import pytest

from bss.api.apis import APIS
from bss.api.openapi import openapi_document, structures_of
from bss.api.problems import PROBLEMS
from bss.api.resource import Api
from tests.bss.api.conftest import PUBLIC_URL
from tests.bss.api.sample_api import GADGETS, SAMPLE

ALL = (*APIS, SAMPLE)


def test_the_document_has_every_path_method_and_status(nobody: httpx.Client) -> None:
    answer = nobody.get(f"{SAMPLE.path}/openapi.json")
    document = answer.json()
    assert document == openapi_document(SAMPLE, PUBLIC_URL)
    assert document["servers"] == [{"url": f"{PUBLIC_URL}{SAMPLE.path}"}]
    methods = {path: set(item) - {"parameters"} for path, item in document["paths"].items()}
    assert methods == {
        "/gadget": {"get", "post"},
        "/gadget/{id}": {"get", "patch", "delete"},
        "/gadgetView": {"get"},
        "/gadgetView/{id}": {"get"},
        "/hub": {"post"},
        "/hub/{id}": {"delete"},
    }
    change = document["paths"]["/gadget/{id}"]["patch"]["responses"]
    assert set(change) == {
        "200",
        "400",
        "401",
        "403",
        "404",
        "409",
        "412",
        "413",
        "415",
        "422",
        "428",
        "429",
        "500",
        "503",
    }
    assert "Retry-After" in change["503"]["headers"]
    assert set(document["paths"]["/gadget"]["get"]["responses"]) >= {"200", "206"}


@pytest.mark.parametrize("api", ALL, ids=lambda api: api.name)
def test_every_reference_of_the_document_leads_somewhere(api: Api) -> None:
    document = openapi_document(api, PUBLIC_URL)
    references = set(re.findall(r"'\$ref': '#/components/(\w+)/([\w-]+)'", str(document)))
    assert len(references) > 8
    structures = [one for resource in api.resources for one in structures_of(resource.fields)]
    for one in structures:
        assert document["components"]["schemas"][one.name] == one.object_schema(), "two objects have one name"
    for part, name in references:
        assert name in document["components"][part]


def test_every_declared_filter_is_a_parameter() -> None:
    parameters = openapi_document(SAMPLE, PUBLIC_URL)["paths"]["/gadget"]["get"]["parameters"]
    names = {one["name"] for one in parameters}
    assert names >= set(GADGETS.all_filters()) | {"fields", "offset", "limit", "sort", "weight.gte", "made.lt"}


class Page(HTMLParser):
    """Ids, links, and what a page would load."""

    def __init__(self, text: str) -> None:
        super().__init__()
        self.ids: set[str] = set()
        self.links: set[str] = set()
        self.loads: list[str] = []
        self.feed(text)

    def handle_starttag(self, tag: str, attrs: list[tuple[str, str | None]]) -> None:
        said = dict(attrs)
        if said.get("id"):
            self.ids.add(str(said["id"]))
        if tag == "a":
            self.links.add(str(said["href"]))
        if tag in ("script", "link", "img", "iframe") or "src" in said:
            self.loads.append(tag)


@pytest.mark.parametrize("path", ["/docs", "/docs/errors", *(f"/docs/{api.name}" for api in ALL)])
def test_pages_load_nothing_and_link_to_what_is_there(nobody: httpx.Client, path: str) -> None:
    answer = nobody.get(path)
    assert answer.status_code == 200
    assert answer.headers["content-type"] == "text/html; charset=utf-8"
    assert "default-src 'none'" in answer.headers["content-security-policy"]
    page = Page(answer.text)
    assert page.loads == []
    for link in page.links:
        if link.startswith("#"):
            assert link[1:] in page.ids
        else:
            assert nobody.get(link).status_code == 200, link


def test_a_page_says_members_filters_and_what_isnt_served(nobody: httpx.Client) -> None:
    text = nobody.get("/docs/sample").text
    for word in (
        "all of them are round",
        "<code>part.label</code>",
        "red | green | blue",
        "gadget:write",
        "GadgetCreateEvent",
    ):
        assert word in text
    assert Page(nobody.get("/docs/errors").text).ids >= {problem.value for problem in PROBLEMS}
