"""YAML as front matter has it, and nothing that does harm: no aliases, no tags of one's own, no key twice.

Of every value the text that was written is kept too: YAML makes 630 of `10:30` and False of `No`, and a title is text.
"""

from datetime import datetime
from typing import Any

import yaml
from yaml.nodes import MappingNode, Node, ScalarNode

from blogapp.porting.documents import BadDocument
from blogapp.porting.services.terms import as_text

MAX_BYTES = 64_000
MAX_DEPTH = 20
STANDARD = "tag:yaml.org,2002:"


class _Refused(yaml.YAMLError):
    """What this program does not read of YAML."""


class _Loader(yaml.SafeLoader):
    depth = 0

    def compose_node(self, parent: Node | None, index: Any) -> Node | None:
        event: yaml.Event = self.peek_event()  # type: ignore[no-untyped-call]
        line = event.start_mark.line + 1 if event.start_mark else 0
        if isinstance(event, yaml.AliasEvent) or getattr(event, "anchor", None) is not None:
            raise _Refused(f"line {line} uses an anchor or an alias, which are not read here")
        tag = getattr(event, "tag", None)
        if tag not in (None, "!") and not str(tag).startswith(STANDARD):
            raise _Refused(f"line {line} uses a tag of its own, which is not read here")
        self.depth += 1
        if self.depth > MAX_DEPTH:
            raise _Refused(f"line {line} is nested more than {MAX_DEPTH} levels deep")
        node = super().compose_node(parent, index)
        self.depth -= 1
        return node

    def construct_mapping(self, node: MappingNode, deep: bool = False) -> dict[Any, Any]:
        seen = set()
        for key, _ in node.value:
            name = key.value if isinstance(key, ScalarNode) else ""
            if not name:
                raise _Refused(f"line {key.start_mark.line + 1} has a key that is no word")
            if name in seen:
                raise _Refused(f"line {key.start_mark.line + 1} says `{name}` a second time")
            seen.add(name)
        return super().construct_mapping(node, deep=deep)


def read_yaml(text: str) -> tuple[dict[str, Any], dict[str, str]]:
    """The values of a mapping by their keys, and the same as they were written.

    Raises:
        BadDocument: it is no mapping, too large, too deep, or uses what this program does not read.
    """
    if len(text.encode("utf-8", "replace")) > MAX_BYTES:
        raise BadDocument(f"its front matter is larger than {MAX_BYTES // 1000} kB")
    loader = _Loader(text)
    try:
        node = loader.get_single_node()
        if node is None:
            return {}, {}
        if not isinstance(node, MappingNode):
            raise BadDocument("its front matter is no list of `key: value`")
        values = loader.construct_document(node)
        raw = {key.value: as_text(inner.value) for key, inner in node.value if isinstance(inner, ScalarNode)}
        named = {str(name): value for name, value in values.items()}
        written = {key.value: raw.get(key.value, "") for key, _ in node.value}
        return named, {name: written.get(name) or as_text(named.get(name)) for name in written}
    except _Refused as error:
        raise BadDocument(f"its front matter cannot be read: {error}") from None
    except yaml.MarkedYAMLError as error:
        line = f"line {error.problem_mark.line + 1}: " if error.problem_mark else ""
        raise BadDocument(f"its front matter cannot be read: {line}{error.problem or error.context}") from None
    except (yaml.YAMLError, ValueError, OverflowError, RecursionError) as error:
        reason = str(error).split("\n")[0] or "it makes no sense"
        raise BadDocument(f"its front matter cannot be read: {reason}") from None
    finally:
        loader.dispose()


class _Dumper(yaml.SafeDumper):
    """Times with a T and an offset, as Hugo and Jekyll both read them; nothing is ever said by an alias."""

    def ignore_aliases(self, data: Any) -> bool:
        return True


def _represent_time(dumper: yaml.SafeDumper, at: datetime) -> ScalarNode:
    return dumper.represent_scalar("tag:yaml.org,2002:timestamp", at.isoformat())


_Dumper.add_representer(datetime, _represent_time)


def write_yaml(values: dict[str, Any]) -> str:
    """Front matter, a line for each key, in the order given."""
    return yaml.dump(values, Dumper=_Dumper, allow_unicode=True, sort_keys=False, width=1_000_000)
