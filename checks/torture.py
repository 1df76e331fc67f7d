"""Posts that are hard to set: what authors do to a page sooner or later, for the eye and for the checkers."""

SENTENCE = "On Tuesday the pump ran for forty minutes, the board said so, and nobody had to go down and look. "
ROW = "| " + " | ".join(f"value {n}" for n in range(12)) + " |\n"

ELEMENTS = f"""
The first paragraph says what this is, with *stress*, **weight**, a [link](https://example.org/), `code_in_a_line()` and
figures such as 1,234,567 and 2018. A word of many letters stands here:
Donaudampfschifffahrtselektrizitätenhauptbetriebswerk. "Quoted at the beginning of a line," she said, and
<abbr title="HyperText Markup Language">HTML</abbr> is a short form.[^one]

## A heading of the second level

{SENTENCE * 3}[^two]

### A heading of the third level that is longer than one line on a telephone and so has to be balanced

> Somebody said this, and said it well, over more than a line, because a quotation of one line shows nothing.
>
> > And somebody else answered.

- one
    - two
        - three
            - four
                - five, which goes on for a while so that it is broken into lines, however wide the screen may be

1. first
2. second, and
3. third

- [ ] to do
- [x] done

Term
:   What it means, in a sentence that is long enough for two lines on a screen of the usual width, as they are.

Another term
:   One meaning.
:   Another meaning.

---

```python
@dataclass
class Week:
    '''A week.'''
    number: int = 473  # {"a comment that goes on " * 5}

    def name(self) -> str:
        return f"week-{{self.number}}" if self.number > 0 else None
```

```diff
- gone
+ come
```

#### A table, wide

{ROW}{"|---" * 12}|
{ROW * 3}
#### And a narrow one

| Name | Hours |
|------|------:|
| Ann  |    12 |
| Bert | 1,234 |

![A tide, drawn](/static/apple-touch-icon.png "A picture alone in its paragraph, with a title, which is its caption.")

<figure><img src="/static/apple-touch-icon.png" alt="A mark">
<figcaption>A figure with its own caption.</figcaption></figure>

<mark>Marked</mark>, <kbd>Ctrl</kbd>+<kbd>C</kbd>, ~~struck~~, H<sub>2</sub>O, x<sup>2</sup>, and an address:
<https://example.org/{"long/" * 30}>.

[^one]: A note of one sentence, with a [link](https://example.org/note).
[^two]: A second note, which is longer than the first, and says more than needs to be said, as second notes do, in
    the margin of a wide screen and at the foot of a narrow one.
"""

HEBREW = """
השבוע סיימנו את הלוח של הנמל. הוא תלוי בפתח, והוא אומר את האמת גם כשאין גאות.

## מה למדנו

- לכתוב פחות.
- לקרוא פעמיים: `git log --oneline` עוזר.

> מי שממתין לגאות אינו ממהר.

| שם | שעות |
|----|-----:|
| רות | 12 |
"""

ARABIC = """
هذا الأسبوع انتهينا من لوحة الميناء. تقول الحقيقة كل صباح، حتى عندما لا يأتي أحد ليقرأها.

## ما تعلمناه

1. نكتب أقل.
2. نقرأ مرتين.

> من ينتظر المد لا يستعجل.
"""

CJK = """
今週は港の掲示板を仕上げました。毎朝、潮の高さを正しく伝えます。誰も読みに来ない日でも、静かに伝え続けます。

## 学んだこと

- 少なく書く。
- 二度読む。

> 潮を待つ人は急がない。
"""

WAITS = f"""
{SENTENCE}

<iframe width="560" height="315" src="https://www.youtube-nocookie.com/embed/abcdefghijk"></iframe>

{SENTENCE}

<iframe width="560" height="400" src="https://www.openstreetmap.org/export/embed.html?bbox=1,2,3,4"></iframe>

![The harbour at low tide](https://example.org/harbour.jpg)

A picture in a sentence, ![a buoy](https://example.org/buoy.png), is a link.
"""

# slug -> (title, body)
POSTS: dict[str, tuple[str, str]] = {
    "every-element": ("Every element, once", ELEMENTS),
    "one-line": ("One line", "Nothing happened, and we were glad of it."),
    "a-long-read": (
        "Five thousand words",
        "\n\n".join((f"## Part {n // 8 + 1}\n\n" if n % 8 == 0 else "") + SENTENCE * (3 + n % 3) for n in range(64)),
    ),
    "waits-for-a-click": ("A film, a map and a picture from elsewhere", WAITS),
    "thirty-pictures": (
        "Thirty pictures",
        "\n\n".join(f"![Picture {n}](/static/apple-touch-icon.png)\n\n{SENTENCE}" for n in range(30)),
    ),
    "a-title-that-goes-on": (
        "A title that goes on for longer than anybody thinks wise, with Rindfleischetikettierungsgesetz in it",
        SENTENCE * 4,
    ),
    "hebrew": ("לוח הגאות תלוי", HEBREW),
    "arabic": ("لوحة المد معلقة", ARABIC),
    "cjk": ("潮の掲示板", CJK),
    "script-in-the-title": ('</script><script>alert("title")</script> & <b>bold</b>', "Its title is only words."),
}
