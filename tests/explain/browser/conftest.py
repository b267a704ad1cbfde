"""A real browser: headless Chromium, driven by Playwright. Where either is missing, the tests here
are skipped and say what to install."""

import shutil

import pytest

CHROMIUM = ("chromium", "chromium-browser", "google-chrome", "google-chrome-stable")


@pytest.fixture(scope="session")
def browser():
    """Without a network: what a page asks for fails."""
    try:
        from playwright.sync_api import sync_playwright
    except ImportError:
        pytest.skip("needs Playwright, the extra 'browser': pip install -e '.[browser]'")
    program = next(filter(None, map(shutil.which, CHROMIUM)), None)
    if program is None:
        pytest.skip(f"needs one of {', '.join(CHROMIUM)}; on Debian: apt install chromium")
    with sync_playwright() as playwright:
        launched = playwright.chromium.launch(executable_path=program, args=["--no-sandbox"])
        yield launched
        launched.close()


@pytest.fixture
def opened(browser):
    """``opened(path, width=...)`` opens a file; at the end nothing may have gone wrong in it."""
    contexts, wrong = [], []

    def open_file(path, width=1280, height=900, **options):
        context = browser.new_context(
            viewport={"width": width, "height": height}, offline=True, **options
        )
        contexts.append(context)
        page = context.new_page()
        page.on("console", lambda message: wrong.append(f"console: {message.text}"))
        page.on("pageerror", lambda error: wrong.append(f"error: {error}"))
        address = path.as_uri()
        page.on(
            "request",
            lambda asked: asked.url == address
            or asked.url.startswith("data:")
            or wrong.append(f"request: {asked.url[:100]}"),
        )
        page.goto(address)
        return page

    yield open_file
    for context in contexts:
        context.close()
    assert wrong == []
