"""The finished pages in a real browser: nothing goes wrong, nothing leaves the file system, everything works."""

import re
from html.parser import HTMLParser
from pathlib import Path

import pytest

from tests.browser import PROGRAM, Browser
from tests.stages.report.site import build

needs_browser = pytest.mark.skipif(PROGRAM is None, reason="no chromium on this machine (apt-get install chromium)")
PAGES = ["index.html", "pichard2024/index.html", "mante2024/index.html"]
CELL = "table.cells tr.system .cell"
DEVICES = {"desk": {}, "dark": {"dark": True}, "phone": {"width": 390, "height": 844, "phone": True}}
SCROLL = """(async () => {
  for (let y = 0; y < document.body.scrollHeight; y += 600) {
    scrollTo({ top: y, behavior: "instant" });
    await new Promise((done) => setTimeout(done, 30));
  }
})()"""


@pytest.fixture(scope="module")
def reports(tmp_path_factory) -> Path:
    return build(tmp_path_factory.mktemp("site"))


@pytest.fixture(scope="module")
def browser():
    with Browser() as one:
        yield one


@pytest.fixture
def page(browser, reports):
    return browser.open(reports / "pichard2024/index.html")


class Links(HTMLParser):
    """Every file that a page points to, and every anchor."""

    def __init__(self, text: str) -> None:
        super().__init__()
        self.files, self.anchors, self.names, self.images = set(), set(), set(), []
        self.feed(text)

    def handle_starttag(self, tag, attributes):
        found = dict(attributes)
        self.names |= {found["id"]} if found.get("id") else set()
        if tag == "img":
            self.images.append(found)
        for key in ("src", "href"):
            if link := found.get(key):
                (self.anchors if link.startswith("#") else self.files).add(link)


@pytest.mark.parametrize("name", PAGES)
def test_every_link_leads_somewhere_on_the_disk(reports, name):
    links = Links((reports / name).read_text())
    for link in links.files - {"data:,"}:
        assert ":" not in link and (reports / name).parent.joinpath(link).exists(), link
    assert {anchor[1:] for anchor in links.anchors} <= links.names
    assert all(image.get("alt") for image in links.images)


def test_the_same_input_gives_the_same_bytes(reports, tmp_path):
    again = build(tmp_path)
    for name in PAGES:
        one, two = ((folder / name).read_text() for folder in (reports, again))
        assert one.replace(str(reports.parent), "") == two.replace(str(again.parent), "")


@needs_browser
@pytest.mark.parametrize("device", DEVICES)
@pytest.mark.parametrize("name", PAGES)
def test_nothing_goes_wrong_and_nothing_leaves_the_disk(browser, reports, name, device):
    page = browser.open(reports / name, **DEVICES[device])
    page.evaluate(SCROLL)  # what waits to be seen is loaded
    if "pichard" in name:
        page.wait("[...document.querySelectorAll('.plane')].every((plane) => plane.querySelector('canvas'))")
    assert page.complaints == []
    assert {re.match(r"\w+:", request)[0] for request in page.requests} <= {"file:", "data:"}
    assert page.evaluate("document.documentElement.scrollWidth <= innerWidth")
    wide = "(e) => e.getBoundingClientRect().right > innerWidth + 1 && !e.closest('.scroll, .bar nav, .unseen')"
    assert page.evaluate(f"[...document.querySelectorAll('main *, header *, footer *')].filter({wide}).length") == 0


@needs_browser
def test_it_appears_at_once(browser, reports):
    page = browser.open(reports / "pichard2024/index.html")
    painted = page.evaluate(
        "performance.getEntriesByType('paint').find((e) => e.name.includes('contentful')).startTime"
    )
    assert painted < 2000


@needs_browser
def test_a_player_plays_and_the_next_one_stops_it(page):
    page.evaluate("document.querySelectorAll('.play')[0].click()")
    page.wait("document.querySelectorAll('.player audio')[0].currentTime > 0.05")
    assert page.evaluate("document.querySelector('.play').getAttribute('aria-pressed')") == "true"
    page.evaluate("document.querySelectorAll('.play')[1].click()")
    page.wait("document.querySelectorAll('.player audio')[1].currentTime > 0.05")
    assert page.evaluate("document.querySelectorAll('.player audio')[0].paused")
    assert page.evaluate("document.querySelectorAll('.play[aria-pressed=true]').length") == 1


def test_controls_stand_over_the_picture_and_in_its_words(reports):
    text = (reports / "mante2024/index.html").read_text()
    players = re.findall(r'<figure class="player" data-label="([^"]*)">(.*?)</figure>', text, re.DOTALL)
    assert len(players) == text.count('<svg class="tracks" ') > 20
    for label, player in players:
        words = re.search(r'alt="Mel spectrogram of [^"]*, under the controls: ([^"]*)"', player)[1]
        assert ("velocity left free" in words) == ('class="velocity"' not in player), label
        assert ("pitch left free" in words) == ('class="chroma"' not in player), label
        assert re.search("piano|violin|trumpet|instrument left free", words), label
    assert {label for label, _ in players} >= {"original", "codec round trip", "edm_cqt", "edm_best"}
    free = [player for label, player in players if label.startswith("free_velocity")]
    assert free and all('class="velocity"' not in player for player in free)


@needs_browser
def test_controls_lie_exactly_over_the_picture(browser, reports):
    page = browser.open(reports / "mante2024/index.html")
    page.evaluate("document.querySelector('.player').scrollIntoView({behavior: 'instant'})")
    box = "(e) => { const b = e.getBoundingClientRect(); return [b.left, b.top, b.width, b.height]; }"
    picture, track = (page.evaluate(f"({box})(document.querySelector('.player {tag}'))") for tag in ("img", "svg"))
    assert picture == pytest.approx(track, abs=1.0)


@needs_browser
def test_every_sound_of_the_page_can_be_played(page):
    broken = """Promise.all([...document.querySelectorAll('.player audio')].map((audio) => new Promise((done) => {
      audio.onloadedmetadata = () => done(audio.duration > 0.5 ? 0 : 1); audio.onerror = () => done(1); audio.load();
    }))).then((found) => found.reduce((a, b) => a + b, 0))"""
    assert page.evaluate(broken) == 0


@needs_browser
def test_a_point_of_a_map_sounds(page):
    page.evaluate("document.querySelector('.map').scrollIntoView({behavior: 'instant'})")
    page.wait("document.querySelector('.map .plane canvas')")
    page.evaluate("document.querySelector('.map .hear').click()")
    page.wait("document.querySelector('#status').textContent.startsWith('Playing')")
    assert page.complaints == []
    assert any(request.endswith(".mp3") for request in page.requests)


@needs_browser
def test_the_mouse_shows_a_cells_protocol_and_a_click_everything_behind_it(page):
    page.move(CELL)
    page.wait("!document.querySelector('#tip').hidden")
    tip = page.evaluate("document.querySelector('#tip').textContent")
    assert "95 %" in tip and "floor" in tip and "corrected" in tip
    page.evaluate(f"document.querySelector('{CELL}').click()")
    page.wait("!document.querySelector('#drawer').hidden")
    drawer = page.evaluate("document.querySelector('#drawer').textContent")
    assert "Protocol" in drawer and "Reconstructions" in drawer and "codec round trip" in drawer
    labels = page.evaluate("[...document.querySelectorAll('#drawer figcaption')].map((e) => e.textContent)")
    assert "hdae" in labels and "original" in labels and "msdae" not in labels
    page.evaluate("document.querySelector('#drawer .play').click()")
    page.wait("document.querySelector('#drawer audio').currentTime > 0.02")


@needs_browser
def test_the_chain_opens_although_a_page_may_not_fetch(page):
    page.evaluate("document.querySelector('#table2 .chain').click()")
    page.wait("document.querySelector('#drawer .tree')")
    text = page.evaluate("document.querySelector('#drawer').textContent")
    assert "fad_table" in text and "data/x.csv" in text and "etude why " in text and "pichard2024/table2.csv" in text
    assert page.evaluate("document.querySelector('[data-fact=machine]').textContent") == "here: a processor, 2 cores"
    page.evaluate("document.querySelector('#table3 .chain').click()")  # whose chain was not written
    page.wait("document.querySelector('#drawer').textContent.includes('not there yet')")


@needs_browser
def test_the_keyboard_suffices(page):
    page.press("Tab")
    assert page.evaluate("document.activeElement.className") == "skip"
    page.evaluate(f"document.querySelector('{CELL}').focus()")
    page.press("Tab")  # from cell to cell; the focus shows the protocol
    page.wait("!document.querySelector('#tip').hidden")
    assert page.evaluate("document.activeElement.getAttribute('aria-describedby')") == "tip"
    assert page.evaluate("getComputedStyle(document.activeElement).outlineStyle") != "none"
    page.press("Enter")
    page.wait("!document.querySelector('#drawer').hidden")
    assert page.evaluate("document.activeElement.id") == "drawer"
    page.press("Escape")
    page.wait("document.querySelector('#drawer').hidden")
    assert page.evaluate("document.activeElement.className") == "cell"


@needs_browser
def test_sorting(page):
    column = "[...document.querySelectorAll('#table2 tbody tr')].map((row) => parseFloat(row.cells[2].dataset.value))"
    heading = "document.querySelector('#table2 thead tr:last-child').cells[2]"
    original = page.evaluate(column)
    for state, expected in [
        ("descending", sorted(original, reverse=True)),
        ("ascending", sorted(original)),
        ("none", original),
    ]:
        page.evaluate(f"{heading}.querySelector('.sort').focus()")
        page.press("Enter")
        assert page.evaluate(f"{heading}.getAttribute('aria-sort')") == state
        assert page.evaluate(column) == expected


@needs_browser
def test_light_and_dark(browser, reports):
    page = browser.open(reports / "index.html")
    paper = "getComputedStyle(document.body).backgroundColor"
    light = page.evaluate(paper)
    page.scheme(True)
    dark = page.evaluate(paper)
    assert light != dark
    page.evaluate("document.querySelector('#theme').click()")
    assert page.evaluate(paper) == light, "the button wins over what the system prefers"
    page.evaluate("localStorage.clear()")


@needs_browser
@pytest.mark.parametrize("dark", [False, True])
def test_letters_stand_out(browser, reports, dark):
    """WCAG AA: 4.5 to 1 for what is read, in both themes."""
    page = browser.open(reports / "index.html", dark=dark)
    for ink in ("--ink", "--muted", "--accent"):
        for ground in ("--paper", "--sheet"):
            pair = [
                page.evaluate(f"getComputedStyle(document.documentElement).getPropertyValue('{name}').trim()")
                for name in (ink, ground)
            ]
            bright, faint = sorted((luminance(colour) for colour in pair), reverse=True)
            assert (bright + 0.05) / (faint + 0.05) >= 4.5, (ink, ground)


def luminance(colour: str) -> float:
    """Relative luminance of #rrggbb (WCAG 2)."""
    parts = [int(colour[k : k + 2], 16) / 255 for k in (1, 3, 5)]
    linear = [part / 12.92 if part <= 0.03928 else ((part + 0.055) / 1.055) ** 2.4 for part in parts]
    return 0.2126 * linear[0] + 0.7152 * linear[1] + 0.0722 * linear[2]


@needs_browser
def test_headings_rows_and_buttons_have_names(page):
    unnamed = """[...document.querySelectorAll('button, a, select, img, [role=region], [role=img]')].filter((e) => !(
      e.textContent.trim() || e.getAttribute('aria-label') || e.getAttribute('alt') || e.closest('label'))).length"""
    assert page.evaluate(unnamed) == 0
    assert page.evaluate("document.querySelectorAll('table.cells:not(:has(caption))').length") == 0
    assert page.evaluate("document.querySelectorAll('th:not([scope])').length") == 0
    assert page.evaluate("document.querySelectorAll('h1').length") == 1
