"""A post with photos in a real browser: the kind and width that it chooses, and that nothing jumps."""

import io

import pytest
from flask import Flask
from PIL import Image
from playwright.sync_api import Browser, ViewportSize, expect

from blogapp.auth.models import Member
from blogapp.core import variants
from blogapp.digest.publishing import publish
from blogapp.posts.attachments import attach, line_for
from blogapp.posts.writing import create_post, save_post

SHIFTS = """() => new Promise(done => {
  let sum = 0;
  new PerformanceObserver(list => list.getEntries().forEach(entry => sum += entry.value))
    .observe({type: "layout-shift", buffered: true});
  setTimeout(() => done(sum), 300);
})"""


def photo(seed: int) -> io.BytesIO:
    data = io.BytesIO()
    picture = Image.radial_gradient("L").resize((1300, 900)).rotate(seed * 30)
    Image.merge("RGB", [picture, picture.rotate(90), picture.rotate(180)]).save(data, "JPEG", quality=92)
    data.seek(0)
    return data


@pytest.mark.parametrize(
    ("size", "density", "width"), [({"width": 390, "height": 800}, 2, 720), ({"width": 1280, "height": 800}, 1, 720)]
)
def test_a_photo_comes_as_avif_at_a_fitting_width_and_moves_nothing(
    app: Flask, website: str, chromium: Browser, bob: Member, size: ViewportSize, density: int, width: int
) -> None:
    post = create_post("article", "On the water", "Soon.", bob.id)
    lines = [line_for(attach(post.id, f"boat-{n}.jpg", photo(n), bob.id)) for n in range(2)]
    body = f"Out at six.\n\n{lines[0]}\n\n" + "Rowed on and on. " * 1500 + f"\n\n{lines[1]}\n"
    post = save_post(post.id, post.version, bob.id, title=post.title, body=body)
    publish(post.id, post.version, by=bob.id, with_digest=False)
    variants.make_wished()
    asked: list[str] = []
    page = chromium.new_page(viewport=size, device_scale_factor=density)
    page.on("response", lambda answer: asked.append(answer.url) if "/media/" in answer.url else None)
    page.goto(f"{website}/on-the-water", wait_until="networkidle")
    assert len(asked) == 1
    assert asked[0].endswith(f"/{width}.avif")
    images = page.locator("article img:not(.face)")
    expect(images).to_have_count(2)
    assert images.nth(0).evaluate("image => image.complete && image.naturalWidth > 0")
    assert page.evaluate(SHIFTS) == 0
    images.nth(1).scroll_into_view_if_needed()
    expect(images.nth(1)).to_have_js_property("complete", True)
    page.wait_for_load_state("networkidle")
    assert len(asked) == 2
    assert page.evaluate(SHIFTS) == 0
    page.close()
