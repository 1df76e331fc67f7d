"""`{:toc}` behind a list: a table of contents in its place."""

from xml.etree import ElementTree as etree

from markdown.treeprocessors import Treeprocessor

from blogapp.core.dialect.attributes import CONTENTS, HEADING


class Contents(Treeprocessor):
    """Links to all headings that have an address and not the class `no_toc`, nested by their levels."""

    def run(self, root: etree.Element) -> None:
        for place in [element for element in root.iter() if element.attrib.pop(CONTENTS, None)]:
            place.text = None
            for child in list(place):
                place.remove(child)
            open_lists = [(0, place)]
            for heading in root.iter():
                is_listed = HEADING.fullmatch(str(heading.tag)) and "no_toc" not in heading.get("class", "").split()
                if is_listed and heading.get("id"):
                    _add(open_lists, int(str(heading.tag)[1]), heading)


def _add(open_lists: list[tuple[int, etree.Element]], level: int, heading: etree.Element) -> None:
    while len(open_lists) > 1 and open_lists[-1][0] > level:
        open_lists.pop()
    above, element = open_lists[-1]
    if above < level and len(element):
        element = etree.SubElement(element[-1], str(open_lists[0][1].tag))
        open_lists.append((level, element))
    elif above < level:
        open_lists[-1] = (level, element)
    link = etree.SubElement(etree.SubElement(element, "li"), "a", {"href": f"#{heading.get('id')}"})
    link.text = "".join(heading.itertext())
