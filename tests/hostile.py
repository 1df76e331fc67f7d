"""Long texts that are hard to hold against each other, for what repeats in them; a fifth of what a post may be."""

import random

from blogapp.core.markup import MAX_CHARACTERS

N = MAX_CHARACTERS // 5
Three = tuple[str, str, str]


def paragraphs(number: int, changed: str = "") -> str:
    """An ordinary text; `changed`: a word that stands in each paragraph instead of another one."""
    words = [f"word{n}" for n in range(200)]
    rng = random.Random(number)
    texts = [
        f"{' '.join(rng.choices(words, k=25))} number{n} {' '.join(rng.choices(words, k=8))}." for n in range(number)
    ]
    return "\n\n".join(text.replace(f" {text.split()[3]} ", f" {changed} ", 1) if changed else text for text in texts)


def three(of: str) -> Three:
    """A long text and two changes of it."""
    rng = random.Random(1)
    count = N // 6
    if of == "turned":
        return "a\nb\n" * (N // 4), "x\n" + "b\na\n" * (N // 4 - 1) + "y\n", "z\n" + "a\na\nb\n" * (N // 6 - 1)
    if of == "blank lines":
        return "\n" * N, "x\n" + "\n \n" * (N // 3 - 2), "y" + "\n" * (N - 3) + "z"
    if of == "random lines":
        a, b, c = ("".join(f"{rng.choice('ab')}\n" for _ in range(N // 2)) for _ in range(3))
    elif of == "every other line":
        a, b, c = ("".join(f"{n}\n{side}{n}\n" for n in range(N // 13)) for side in "xyz")
    elif of == "random between anchors":
        lines = [[f"u{n}\n" if n % 30 == 0 else f"{rng.choice('ab')}\n" for n in range(N // 3)] for _ in range(3)]
        a, b, c = ("".join(one) for one in lines)
    elif of == "words that tell lines apart":
        a, b, c = ("".join(f"a{n} {side}\nb\n" for n in range(N // 11)) for side in "xyz")
    elif of == "letters in long lines":
        a, b, c = ("".join(rng.choice("ab") + (" " if n % 999 else "\n") for n in range(N // 2)) for _ in range(3))
    elif of == "other orders":
        a, b, c = ("".join(f"{n}\n" for n in rng.sample(range(count), count // 2)) for _ in range(3))
    else:
        number = N // 400
        a, b, c = paragraphs(number), paragraphs(number, "mine"), paragraphs(number, "theirs")
    return a[:N], b[:N], c[:N]


KINDS = [
    "turned", "blank lines", "random lines", "every other line", "random between anchors",
    "words that tell lines apart", "letters in long lines", "other orders", "paragraphs",
]  # fmt: skip
